package io.backstop.jdbc.internal.pipeline.statement;

import org.jspecify.annotations.Nullable;

import java.sql.SQLException;

/** A call of pgjdbc that sends something to the server, or may. */
public interface ServerCall<T extends @Nullable Object> {
    T run() throws SQLException;
}
