package io.backstop.jdbc.internal.analysis.query;

import io.backstop.api.analysis.CommandTag;
import io.backstop.jdbc.internal.analysis.grammar.CommandReader;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

/** Reads what PREPARE can prepare: SELECT, VALUES, TABLE, INSERT, UPDATE, DELETE and MERGE, with or without WITH. */
public final class QueryReader implements CommandReader {
    @Override
    public CommandTag read(TokenCursor cursor, StatementReading reading) {
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
    public static CommandTag query(TokenCursor cursor, StatementReading reading) {
        if (!startsQuery(cursor)) {
            throw new NotUnderstoodException("expected a query");
        }
        boolean before = reading.createsTable();
        ExpressionReader.query(reading, cursor.rest());
        cursor.skipRest();
        return !before && reading.createsTable() ? CommandTag.SELECT_INTO : CommandTag.SELECT;
    }

    private static boolean startsQuery(TokenCursor cursor) {
        TokenList tokens = cursor.tokens();
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
    public static boolean at(TokenCursor cursor) {
        return switch (cursor.keyword()) {
            case WITH, INSERT, UPDATE, DELETE, MERGE -> true;
            default -> startsQuery(cursor);
        };
    }

    /** Reads the WITH clause; its queries wait until this statement is read. */
    public static void withClause(TokenCursor cursor, StatementReading reading) {
        cursor.require(Keyword.WITH);
        cursor.accept(Keyword.RECURSIVE);
        do {
            reading.defines(cursor.name());
            cursor.acceptGroup();
            cursor.require(Keyword.AS);
            cursor.accept(Keyword.NOT);
            cursor.accept(Keyword.MATERIALIZED);
            TokenSpan query = cursor.group();
            reading.nest(query);
            search(cursor);
            cycle(cursor, reading);
        } while (cursor.acceptSymbol(','));
    }

    private static void search(TokenCursor cursor) {
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

    private static void cycle(TokenCursor cursor, StatementReading reading) {
        if (!cursor.accept(Keyword.CYCLE)) {
            return;
        }
        names(cursor);
        cursor.require(Keyword.SET);
        cursor.name();
        int using = cursor.find(Keyword.USING);
        ExpressionReader.expression(reading, new TokenSpan(cursor.position(), using));
        cursor.moveTo(using);
        cursor.require(Keyword.USING);
        cursor.name();
    }

    private static void names(TokenCursor cursor) {
        do {
            cursor.name();
        } while (cursor.acceptSymbol(','));
    }
}
