package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.CommandTag;
import io.backstop.jdbc.internal.analysis.grammar.CommandReader;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.query.QueryReader;
import io.backstop.jdbc.internal.analysis.scan.Keyword;

/** DECLARE, FETCH, MOVE and CLOSE. */
final class CursorCommandReader implements CommandReader {
    private static final int MOST_WORDS = 5;

    @Override
    public CommandTag read(TokenCursor cursor, StatementReading reading) {
        return switch (cursor.keyword()) {
            case DECLARE -> declare(cursor, reading);
            case CLOSE -> close(cursor);
            default -> fetch(cursor);
        };
    }

    private static CommandTag declare(TokenCursor cursor, StatementReading reading) {
        cursor.require(Keyword.DECLARE);
        cursor.name();
        boolean option = true;
        while (option) {
            option = cursor.acceptAny(
                    Keyword.BINARY, Keyword.INSENSITIVE, Keyword.ASENSITIVE, Keyword.SCROLL, Keyword.NO);
        }
        cursor.require(Keyword.CURSOR);
        if (cursor.acceptAny(Keyword.WITH, Keyword.WITHOUT)) {
            cursor.require(Keyword.HOLD);
        }
        cursor.require(Keyword.FOR);
        if (cursor.at(Keyword.WITH)) {
            QueryReader.withClause(cursor, reading);
        }
        reading.facts().encloses(QueryReader.query(cursor, reading));
        return CommandTag.DECLARE_CURSOR;
    }

    private static CommandTag fetch(TokenCursor cursor) {
        CommandTag tag = cursor.at(Keyword.FETCH) ? CommandTag.FETCH : CommandTag.MOVE;
        cursor.skip();
        // NEXT, FORWARD 10, ABSOLUTE -1, ALL, … [FROM | IN] name
        int words = 0;
        while (cursor.position() + 1 < cursor.end()) {
            boolean sign = cursor.acceptOperator("-") || cursor.acceptOperator("+");
            if (words++ > MOST_WORDS || !(cursor.atLabel() || cursor.atLiteral()) || (sign && !cursor.atLiteral())) {
                throw new NotUnderstoodException("expected a cursor");
            }
            cursor.skip();
        }
        cursor.name();
        return tag;
    }

    private static CommandTag close(TokenCursor cursor) {
        cursor.require(Keyword.CLOSE);
        if (!cursor.accept(Keyword.ALL)) {
            cursor.name();
        }
        cursor.requireDone();
        return CommandTag.CLOSE;
    }
}
