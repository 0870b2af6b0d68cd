package io.backstop.jdbc.internal.analysis.grammar;

import io.backstop.api.analysis.CommandTag;

/** Reads the commands of one family. Stateless, thread-safe. */
public interface CommandReader {
    /**
     * Reads the command at the cursor to its end and notes what it does.
     *
     * @return its tag
     * @throws NotUnderstoodException if it is not the command that it begins like
     */
    CommandTag read(TokenCursor cursor, StatementReading reading);
}
