package io.backstop.jdbc.internal.analysis.detail;

import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.Optional;

/** The names of statements that are prepared and executed in SQL. Stateless, thread-safe. */
public final class PreparedStatementName {
    private PreparedStatementName() {}

    /** The name in {@code EXECUTE name}, alone or inside another command; empty where it is not certain which it is. */
    public static Optional<String> executed(TokenList tokens, TokenSpan statement) {
        int execute = -1;
        for (int i = statement.from(); i < statement.to(); i++) {
            if (tokens.keyword(i) == Keyword.EXECUTE) {
                if (execute >= 0) {
                    return Optional.empty();
                }
                execute = i;
            }
        }
        TokenCursor cursor = new TokenCursor(tokens, new TokenSpan(execute + 1, statement.to()));
        return execute >= 0 && cursor.atName() ? Optional.of(cursor.name()) : Optional.empty();
    }

    /** The name in {@code PREPARE name … AS query}, and where the query stands; empty where it is no such statement. */
    public static Optional<Prepared> prepared(TokenList tokens, TokenSpan statement) {
        TokenCursor cursor = new TokenCursor(tokens, statement);
        if (!cursor.accept(Keyword.PREPARE) || !cursor.atName()) {
            return Optional.empty();
        }
        String name = cursor.name();
        cursor.acceptGroup();
        return cursor.accept(Keyword.AS) ? Optional.of(new Prepared(name, cursor.rest())) : Optional.empty();
    }

    /** A name, and the query that is prepared under it. */
    public record Prepared(String name, TokenSpan query) {}
}
