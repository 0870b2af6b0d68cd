package io.backstop.jdbc.analysis.read;

/** Reads a statement together with everything that is nested in it. */
final class Nested {
    private static final CommandReader QUERIES = new QueryReader();

    private Nested() {}

    static String readAll(CommandReader reader, Cursor cursor, Reading reading) {
        String operation = reader.read(cursor, reading);
        cursor.requireDone();
        while (reading.nests()) {
            Cursor nested = new Cursor(reading.tokens(), reading.nextNested());
            QUERIES.read(nested, reading);
            nested.requireDone();
        }
        return operation;
    }
}
