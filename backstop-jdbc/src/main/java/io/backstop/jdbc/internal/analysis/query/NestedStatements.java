package io.backstop.jdbc.internal.analysis.query;

import io.backstop.api.analysis.CommandTag;
import io.backstop.jdbc.internal.analysis.grammar.CommandReader;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;

/** Reads a statement together with everything that is nested in it. */
public final class NestedStatements {
    private static final CommandReader QUERIES = new QueryReader();

    private NestedStatements() {}

    public static CommandTag readAll(CommandReader reader, TokenCursor cursor, StatementReading reading) {
        CommandTag tag = reader.read(cursor, reading);
        cursor.requireDone();
        while (reading.nests()) {
            TokenCursor nested = new TokenCursor(reading.tokens(), reading.nextNested());
            reading.facts().nests(QUERIES.read(nested, reading));
            nested.requireDone();
        }
        return tag;
    }
}
