package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.CommandTag;
import io.backstop.jdbc.internal.analysis.grammar.CommandReader;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.query.ExpressionReader;
import io.backstop.jdbc.internal.analysis.query.QueryReader;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.Keyword;

/** PREPARE, EXECUTE, DEALLOCATE and PREPARE TRANSACTION. */
final class PreparedStatementReader implements CommandReader {
    private static final CommandReader QUERIES = new QueryReader();

    @Override
    public CommandTag read(TokenCursor cursor, StatementReading reading) {
        return switch (cursor.keyword()) {
            case PREPARE -> prepare(cursor, reading);
            case EXECUTE -> execute(cursor, reading);
            default -> deallocate(cursor);
        };
    }

    private static CommandTag prepare(TokenCursor cursor, StatementReading reading) {
        cursor.require(Keyword.PREPARE);
        if (cursor.at(Keyword.TRANSACTION) && cursor.keyword(1) != Keyword.AS && !cursor.symbolAhead(1, '(')) {
            cursor.skip();
            cursor.requireString();
            cursor.requireDone();
            reading.facts().fire(Rule.TWO_PHASE_COMMIT);
            return CommandTag.PREPARE_TRANSACTION;
        }
        cursor.name();
        cursor.acceptGroup();
        cursor.require(Keyword.AS);
        reading.facts().encloses(QUERIES.read(cursor, reading));
        return CommandTag.PREPARE;
    }

    /** The statement is known to the server alone; its arguments are expressions that are evaluated. */
    static CommandTag execute(TokenCursor cursor, StatementReading reading) {
        cursor.require(Keyword.EXECUTE);
        reading.facts().fire(Rule.EXECUTE_PREPARED, cursor.name());
        if (cursor.atSymbol('(')) {
            ExpressionReader.expression(reading, cursor.group());
        }
        return CommandTag.EXECUTE;
    }

    private static CommandTag deallocate(TokenCursor cursor) {
        cursor.require(Keyword.DEALLOCATE);
        if (cursor.position() + 1 < cursor.end()) {
            cursor.accept(Keyword.PREPARE);
        }
        if (!cursor.accept(Keyword.ALL)) {
            cursor.name();
        }
        cursor.requireDone();
        return CommandTag.DEALLOCATE;
    }
}
