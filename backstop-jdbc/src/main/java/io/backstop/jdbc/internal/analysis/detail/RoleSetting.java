package io.backstop.jdbc.internal.analysis.detail;

import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.StatementSplitter;
import io.backstop.jdbc.internal.analysis.scan.StringLiterals;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.List;
import java.util.Optional;

/**
 * The role that a {@code SET ROLE} or {@code SET SESSION AUTHORIZATION} names. Immutable, thread-safe.
 *
 * @param ofSession whether it is SET SESSION AUTHORIZATION
 */
public record RoleSetting(String role, boolean ofSession) {
    /** Empty where the text is not one such statement, and where it names none: NONE, DEFAULT. */
    public static Optional<RoleSetting> read(String sql, boolean standardConformingStrings) {
        TokenList tokens = Lexer.scan(sql, standardConformingStrings);
        List<TokenSpan> statements = StatementSplitter.split(tokens);
        if (statements.size() != 1) {
            return Optional.empty();
        }
        TokenCursor cursor = new TokenCursor(tokens, statements.get(0));
        if (!cursor.accept(Keyword.SET)) {
            return Optional.empty();
        }
        if (!cursor.at(Keyword.SESSION, Keyword.AUTHORIZATION)) {
            cursor.acceptAny(Keyword.SESSION, Keyword.LOCAL);
        }
        boolean ofSession = cursor.accept(Keyword.SESSION, Keyword.AUTHORIZATION);
        if (!ofSession && !cursor.accept(Keyword.ROLE)) {
            return Optional.empty();
        }
        return role(cursor).map(role -> new RoleSetting(role, ofSession));
    }

    private static Optional<String> role(TokenCursor cursor) {
        if (cursor.end() - cursor.position() != 1 || cursor.at(Keyword.NONE) || cursor.at(Keyword.DEFAULT)) {
            return Optional.empty();
        }
        if (cursor.atString()) {
            // The server takes the string 'none' for NONE.
            return Optional.of(StringLiterals.value(cursor.tokens(), cursor.position()))
                    .filter(role -> !role.equals("none"));
        }
        return cursor.atName() ? Optional.of(cursor.name()) : Optional.empty();
    }
}
