package io.backstop.jdbc.internal.analysis.query;

import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;

/** The columns that SET lists and column lists name. */
public final class AssignmentReader {
    private AssignmentReader() {}

    /** {@code a = 1, (b, c) = (SELECT …), d[1].e = 2}; the cursor ends where the list does. Values are not read here. */
    static void read(TokenCursor cursor, StatementReading reading) {
        do {
            if (cursor.atSymbol('(')) {
                columns(new TokenCursor(cursor.tokens(), cursor.group()), reading);
            } else {
                column(cursor, reading);
            }
            if (!cursor.acceptOperator("=")) {
                throw new NotUnderstoodException("expected =");
            }
            skipValue(cursor);
        } while (cursor.acceptSymbol(','));
    }

    /** {@code a, b[1], c.d}. */
    public static void columns(TokenCursor cursor, StatementReading reading) {
        do {
            column(cursor, reading);
        } while (cursor.acceptSymbol(','));
        cursor.requireDone();
    }

    private static void column(TokenCursor cursor, StatementReading reading) {
        reading.facts().writes(cursor.name());
        while (!cursor.done()) {
            if (cursor.acceptSymbol('.')) {
                cursor.label();
            } else if (cursor.atSymbol('[')) {
                skipSubscript(cursor);
            } else {
                return;
            }
        }
    }

    private static void skipSubscript(TokenCursor cursor) {
        int depth = 0;
        while (!cursor.done()) {
            depth += cursor.atSymbol('[') ? 1 : cursor.atSymbol(']') ? -1 : 0;
            cursor.skip();
            if (depth == 0) {
                return;
            }
        }
    }

    private static void skipValue(TokenCursor cursor) {
        int brackets = 0;
        while (!cursor.done()) {
            if (cursor.atSymbol('(')) {
                cursor.group();
                continue;
            }
            if (brackets == 0 && cursor.atSymbol(',')) {
                return;
            }
            brackets += cursor.atSymbol('[') ? 1 : cursor.atSymbol(']') ? -1 : 0;
            cursor.skip();
        }
    }
}
