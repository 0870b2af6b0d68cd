package io.backstop.jdbc.analysis.read;

import io.backstop.jdbc.analysis.rule.Rule;
import io.backstop.jdbc.analysis.scan.Keyword;

/** PREPARE, EXECUTE, DEALLOCATE and PREPARE TRANSACTION. */
final class PreparedReader implements CommandReader {
    private static final CommandReader QUERIES = new QueryReader();

    @Override
    public String read(Cursor cursor, Reading reading) {
        return switch (cursor.keyword()) {
            case PREPARE -> prepare(cursor, reading);
            case EXECUTE -> execute(cursor, reading);
            default -> deallocate(cursor);
        };
    }

    private static String prepare(Cursor cursor, Reading reading) {
        cursor.require(Keyword.PREPARE);
        if (cursor.at(Keyword.TRANSACTION) && cursor.keyword(1) != Keyword.AS && !cursor.symbolAhead(1, '(')) {
            cursor.skip();
            cursor.requireString();
            cursor.requireDone();
            reading.facts().fire(Rule.TWO_PHASE_COMMIT);
            return "PREPARE TRANSACTION";
        }
        cursor.name();
        cursor.acceptGroup();
        cursor.require(Keyword.AS);
        QUERIES.read(cursor, reading);
        return "PREPARE";
    }

    /** The statement is known to the server alone; its arguments are expressions that are evaluated. */
    static String execute(Cursor cursor, Reading reading) {
        cursor.require(Keyword.EXECUTE);
        reading.facts().fire(Rule.EXECUTE_PREPARED, cursor.name());
        if (cursor.atSymbol('(')) {
            ExpressionReader.expression(reading, cursor.group());
        }
        return "EXECUTE";
    }

    private static String deallocate(Cursor cursor) {
        cursor.require(Keyword.DEALLOCATE);
        if (cursor.position() + 1 < cursor.end()) {
            cursor.accept(Keyword.PREPARE);
        }
        if (!cursor.accept(Keyword.ALL)) {
            cursor.name();
        }
        cursor.requireDone();
        return "DEALLOCATE";
    }
}
