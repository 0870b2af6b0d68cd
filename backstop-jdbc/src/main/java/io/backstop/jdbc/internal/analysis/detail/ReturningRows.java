package io.backstop.jdbc.internal.analysis.detail;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.internal.analysis.command.StatementReader;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.StatementSplitter;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.List;
import java.util.Optional;

/**
 * An INSERT, UPDATE or DELETE to which a RETURNING clause can be added. Immutable, thread-safe.
 *
 * @param statement its text without what ends it
 * @param tag which of the three it is
 * @param target the table
 * @param reference the name by which RETURNING refers to the table's row, quoted
 */
public record ReturningRows(String statement, CommandTag tag, RelationName target, String reference) {
    /**
     * Empty where it is not certain that the text is one such statement, or where it has the clause already.
     *
     * @param text with its values in it: a placeholder left makes it uncertain
     */
    public static Optional<ReturningRows> of(String text, boolean standardConformingStrings) {
        TokenList tokens = Lexer.scan(text, standardConformingStrings);
        List<TokenSpan> statements = StatementSplitter.split(tokens);
        if (statements.size() != 1 || hasPlaceholder(tokens)) {
            return Optional.empty();
        }
        TokenSpan span = statements.get(0);
        CommandTag tag = StatementReader.read(tokens, span).assessment().tag();
        try {
            return read(tag, new TokenCursor(tokens, span));
        } catch (NotUnderstoodException e) {
            return Optional.empty(); // WITH before it
        }
    }

    /** Whether a value is missing in the text. */
    public static boolean hasPlaceholder(String text, boolean standardConformingStrings) {
        return hasPlaceholder(Lexer.scan(text, standardConformingStrings));
    }

    private static boolean hasPlaceholder(TokenList tokens) {
        for (int i = 0; i < tokens.size(); i++) {
            if (tokens.kind(i) == TokenKind.PARAMETER) {
                return true;
            }
        }
        return false;
    }

    private static Optional<ReturningRows> read(CommandTag tag, TokenCursor cursor) {
        int begin = cursor.position();
        switch (tag) {
            case UPDATE -> cursor.require(Keyword.UPDATE);
            case DELETE -> {
                cursor.require(Keyword.DELETE);
                cursor.require(Keyword.FROM);
            }
            case INSERT -> {
                cursor.require(Keyword.INSERT);
                cursor.require(Keyword.INTO);
            }
            default -> {
                return Optional.empty();
            }
        }
        RelationName target = cursor.relation();
        String reference = target.name();
        boolean alias = tag != CommandTag.INSERT
                && cursor.atName()
                && !(tag == CommandTag.UPDATE && cursor.at(Keyword.SET))
                && !(tag == CommandTag.DELETE && cursor.at(Keyword.USING));
        if (cursor.accept(Keyword.AS) || alias) {
            reference = cursor.name();
        }
        if (cursor.find(Keyword.RETURNING) < cursor.end()) {
            return Optional.empty();
        }
        TokenList tokens = cursor.tokens();
        return Optional.of(new ReturningRows(
                tokens.text().substring(tokens.start(begin), tokens.end(cursor.end() - 1)),
                tag,
                target,
                RelationName.quote(reference)));
    }

    /** The statement with the clause. */
    public String returning(String expressions) {
        return statement + "\nRETURNING " + expressions;
    }
}
