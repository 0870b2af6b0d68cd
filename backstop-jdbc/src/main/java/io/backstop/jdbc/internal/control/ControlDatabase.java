package io.backstop.jdbc.internal.control;

import io.backstop.api.error.ControlStoreUnavailableException;

import java.sql.Connection;
import java.sql.SQLException;

/**
 * The database that holds the control store, as units of work. Every method throws
 * {@link ControlStoreUnavailableException} where the database cannot be used. Thread-safe.
 */
public interface ControlDatabase extends AutoCloseable {
    /** Runs a unit of work that holds the write lock from its start. All of it is committed, or nothing. */
    <T> T run(Work<T> work) throws ControlStoreUnavailableException;

    /** Runs a unit of work that only reads. It sees one state of the store, and no other process waits for it. */
    <T> T read(Work<T> work) throws ControlStoreUnavailableException;

    /**
     * Like {@link #read}, for what may take long: no unit of the other kinds waits for it. Many at once wait for each other
     * where the database is a server.
     */
    default <T> T scan(Work<T> work) throws ControlStoreUnavailableException {
        return read(work);
    }

    /** Runs a unit of work that has no result. */
    default void perform(Action action) throws ControlStoreUnavailableException {
        run(connection -> {
            action.on(connection);
            return Boolean.TRUE;
        });
    }

    /** The SQL that only this database understands. */
    Dialect dialect();

    /** Closes it for good; every later unit of work fails. */
    @Override
    void close();

    /** A unit of work; everything that it does is committed together or not at all. */
    interface Work<T> {
        T on(Connection connection) throws SQLException;
    }

    /** A unit of work without a result. */
    interface Action {
        void on(Connection connection) throws SQLException;
    }
}
