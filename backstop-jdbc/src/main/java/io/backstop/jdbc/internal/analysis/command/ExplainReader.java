package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.CommandTag;
import io.backstop.jdbc.internal.analysis.grammar.BooleanOption;
import io.backstop.jdbc.internal.analysis.grammar.CommandReader;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.query.NestedStatements;
import io.backstop.jdbc.internal.analysis.query.QueryReader;
import io.backstop.jdbc.internal.analysis.scan.Keyword;

/** EXPLAIN, which runs its statement if ANALYZE is on. */
final class ExplainReader implements CommandReader {
    private final CommandReader commands;

    ExplainReader(CommandReader commands) {
        this.commands = commands;
    }

    @Override
    public CommandTag read(TokenCursor cursor, StatementReading reading) {
        cursor.require(Keyword.EXPLAIN);
        boolean analyze = false;
        if (cursor.atSymbol('(') && !QueryReader.at(cursor)) {
            analyze = options(new TokenCursor(cursor.tokens(), cursor.group()), reading);
        } else {
            analyze = cursor.acceptAny(Keyword.ANALYZE, Keyword.ANALYSE);
            cursor.accept(Keyword.VERBOSE);
        }
        requireExplainable(cursor);
        if (analyze) {
            reading.facts().encloses(commands.read(cursor, reading));
            return CommandTag.EXPLAIN_ANALYZE;
        }
        StatementReading planned = new StatementReading(cursor.tokens());
        NestedStatements.readAll(commands, cursor, planned);
        return CommandTag.EXPLAIN;
    }

    private static void requireExplainable(TokenCursor cursor) {
        boolean explainable = QueryReader.at(cursor)
                || cursor.at(Keyword.DECLARE)
                || cursor.at(Keyword.CREATE)
                || cursor.at(Keyword.REFRESH)
                || cursor.at(Keyword.EXECUTE);
        if (!explainable) {
            throw new NotUnderstoodException("expected a statement that can be explained");
        }
    }

    /** Whether ANALYZE is on; of several the last counts, as in the server, and what is not a false value is true. */
    private static boolean options(TokenCursor options, StatementReading reading) {
        boolean analyze = false;
        do {
            boolean named = options.acceptAny(Keyword.ANALYZE, Keyword.ANALYSE);
            named = named || options.label().equals("analyze");
            boolean value = options.done() || options.atSymbol(',') || value(options, reading);
            if (named) {
                analyze = value;
            }
        } while (options.acceptSymbol(','));
        options.requireDone();
        return analyze;
    }

    private static boolean value(TokenCursor options, StatementReading reading) {
        String value;
        if (options.atString()) {
            value = reading.literal(options.position());
            options.skip();
        } else if (options.atLiteral()) {
            value = reading.number(options.position());
            options.skip();
        } else if (options.atLabel()) {
            value = options.label();
        } else {
            throw new NotUnderstoodException("expected the value of an option");
        }
        return BooleanOption.on(value);
    }
}
