package io.backstop.jdbc.analysis.read;

/** The columns that SET lists and column lists name. */
final class Assignments {
    private Assignments() {}

    /** {@code a = 1, (b, c) = (SELECT …), d[1].e = 2}; the cursor ends where the list does. Values are not read here. */
    static void read(Cursor cursor, Reading reading) {
        do {
            if (cursor.atSymbol('(')) {
                columns(new Cursor(cursor.tokens(), cursor.group()), reading);
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
    static void columns(Cursor cursor, Reading reading) {
        do {
            column(cursor, reading);
        } while (cursor.acceptSymbol(','));
        cursor.requireDone();
    }

    private static void column(Cursor cursor, Reading reading) {
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

    private static void skipSubscript(Cursor cursor) {
        int depth = 0;
        while (!cursor.done()) {
            depth += cursor.atSymbol('[') ? 1 : cursor.atSymbol(']') ? -1 : 0;
            cursor.skip();
            if (depth == 0) {
                return;
            }
        }
    }

    private static void skipValue(Cursor cursor) {
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
