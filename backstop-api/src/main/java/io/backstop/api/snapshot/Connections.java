package io.backstop.api.snapshot;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;

/**
 * Opens more connections to the same database, for the same user, as a session has. Implementations are thread-safe.
 */
@FunctionalInterface
public interface Connections {
    /** Has none to give. */
    Connections NONE = Optional::empty;

    /**
     * Opens one more plain connection to PostgreSQL, in auto-commit; whoever asks for it closes it. Never waits for a
     * connection that somebody else has to give back first: who asks may hold locks.
     *
     * @return empty where no more are to be had
     * @throws SQLException where the server refuses it
     */
    Optional<Connection> open() throws SQLException;
}
