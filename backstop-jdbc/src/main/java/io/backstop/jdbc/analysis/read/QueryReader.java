package io.backstop.jdbc.analysis.read;

import io.backstop.jdbc.analysis.scan.Keyword;
import io.backstop.jdbc.analysis.scan.Span;
import io.backstop.jdbc.analysis.scan.Tokens;

/** Reads what PREPARE can prepare: SELECT, VALUES, TABLE, INSERT, UPDATE, DELETE and MERGE, with or without WITH. */
final class QueryReader implements CommandReader {
    static final String SELECT = "SELECT";

    @Override
    public String read(Cursor cursor, Reading reading) {
        if (cursor.at(Keyword.WITH)) {
            withClause(cursor, reading);
        }
        return switch (cursor.keyword()) {
            case INSERT -> InsertReader.read(cursor, reading);
            case UPDATE -> UpdateReader.read(cursor, reading);
            case DELETE -> DeleteReader.read(cursor, reading);
            case MERGE -> MergeReader.read(cursor, reading);
            default -> query(cursor, reading);
        };
    }

    /** Reads a SELECT, VALUES or TABLE, in parentheses or not, to the end of the cursor. */
    static String query(Cursor cursor, Reading reading) {
        if (!startsQuery(cursor)) {
            throw new NotUnderstoodException("expected a query");
        }
        boolean before = reading.createsTable();
        ExpressionReader.query(reading, cursor.rest());
        cursor.skipRest();
        return !before && reading.createsTable() ? "SELECT INTO" : SELECT;
    }

    private static boolean startsQuery(Cursor cursor) {
        Tokens tokens = cursor.tokens();
        int i = cursor.position();
        boolean parenthesised = false;
        while (i < cursor.end() && tokens.symbol(i, '(')) {
            parenthesised = true;
            i++;
        }
        if (i >= cursor.end()) {
            return false;
        }
        return switch (tokens.keyword(i)) {
            case SELECT, TABLE -> true;
            case VALUES -> i + 1 < cursor.end() && tokens.symbol(i + 1, '(');
            case WITH -> parenthesised;
            default -> false;
        };
    }

    /** Whether a statement that can stand in a WITH stands here. */
    static boolean at(Cursor cursor) {
        return switch (cursor.keyword()) {
            case WITH, INSERT, UPDATE, DELETE, MERGE -> true;
            default -> startsQuery(cursor);
        };
    }

    /** Reads the WITH clause; its queries wait until this statement is read. */
    static void withClause(Cursor cursor, Reading reading) {
        cursor.require(Keyword.WITH);
        cursor.accept(Keyword.RECURSIVE);
        do {
            reading.defines(cursor.name());
            cursor.acceptGroup();
            cursor.require(Keyword.AS);
            cursor.accept(Keyword.NOT);
            cursor.accept(Keyword.MATERIALIZED);
            Span query = cursor.group();
            reading.nest(query);
            search(cursor);
            cycle(cursor, reading);
        } while (cursor.acceptSymbol(','));
    }

    private static void search(Cursor cursor) {
        if (!cursor.accept(Keyword.SEARCH)) {
            return;
        }
        if (!cursor.acceptAny(Keyword.BREADTH, Keyword.DEPTH)) {
            throw new NotUnderstoodException("expected BREADTH or DEPTH");
        }
        cursor.require(Keyword.FIRST);
        cursor.require(Keyword.BY);
        names(cursor);
        cursor.require(Keyword.SET);
        cursor.name();
    }

    private static void cycle(Cursor cursor, Reading reading) {
        if (!cursor.accept(Keyword.CYCLE)) {
            return;
        }
        names(cursor);
        cursor.require(Keyword.SET);
        cursor.name();
        int using = cursor.find(Keyword.USING);
        ExpressionReader.expression(reading, new Span(cursor.position(), using));
        cursor.moveTo(using);
        cursor.require(Keyword.USING);
        cursor.name();
    }

    private static void names(Cursor cursor) {
        do {
            cursor.name();
        } while (cursor.acceptSymbol(','));
    }
}
