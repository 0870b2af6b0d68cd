package io.backstop.jdbc.pipeline;

import org.jspecify.annotations.Nullable;

import java.sql.SQLException;
import java.sql.Statement;

/** How a statement is sent, once it may be. */
public interface Execution<T extends @Nullable Object> {
    T run() throws SQLException;

    /** How many rows it changed, as the server's answer tells; negative where it does not tell. */
    long changedRows(T result) throws SQLException;

    /** How many rows the one of its statements changed that changed most; the same where it is one statement. */
    long mostChangedRows(T result) throws SQLException;

    /** Whether it can be run again where its effects were rolled back: a batch is gone after its first run. */
    boolean repeatable();

    /** What is run, for settings that have to change while it runs. */
    Statement statement();
}
