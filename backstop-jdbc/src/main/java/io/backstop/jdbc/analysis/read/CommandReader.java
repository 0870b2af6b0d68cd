package io.backstop.jdbc.analysis.read;

/** Reads the commands of one family. Stateless, thread-safe. */
interface CommandReader {
    /**
     * Reads the command at the cursor to its end and notes what it does.
     *
     * @return its name as the documentation gives it, in upper case
     * @throws NotUnderstoodException if it is not the command that it begins like
     */
    String read(Cursor cursor, Reading reading);
}
