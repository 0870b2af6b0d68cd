package io.backstop.jdbc.internal.analysis.grammar;

/** Reads the commands of one family. Stateless, thread-safe. */
public interface CommandReader {
    /**
     * Reads the command at the cursor to its end and notes what it does.
     *
     * @return its name as the documentation gives it, in upper case
     * @throws NotUnderstoodException if it is not the command that it begins like
     */
    String read(TokenCursor cursor, StatementReading reading);
}
