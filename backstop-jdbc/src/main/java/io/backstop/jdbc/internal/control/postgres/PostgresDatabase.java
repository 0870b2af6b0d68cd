package io.backstop.jdbc.internal.control.postgres;

import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.internal.control.ControlDatabase;
import io.backstop.jdbc.internal.control.Dialect;
import io.backstop.jdbc.internal.control.Migrations;
import io.backstop.jdbc.internal.control.StoreContinuity;
import io.backstop.jdbc.internal.control.StoreSighting;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/**
 * Runs units of work on a schema of a PostgreSQL database. Writers of all processes take turns, those of this process before
 * that; readers wait for nobody but readers of their own kind in this process, where there are many at once. A unit that
 * fails leaves nothing behind. Where the schema does not hold the store that it held, no unit runs. Thread-safe.
 */
public final class PostgresDatabase implements ControlDatabase {
    /** How many connections stay open while nothing is done. */
    static final int MOST_IDLE = 3;

    /** insufficient_privilege (PostgreSQL, Error Codes). */
    private static final String NO_RIGHT = "42501";

    private static final int READERS = 4;
    private static final int SCANS = 2;

    /** Only those who may write the store can hold it up; a lock by number could be taken by any role. */
    private static final String WRITE_TURN = "LOCK TABLE write_turn IN EXCLUSIVE MODE; ";

    private static final String SIGHTING =
            StoreContinuity.SIGHTING + "; SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)";

    /** Held while tables are made, when there is no table yet to lock: "backstop" as a number. */
    private static final String MIGRATION_TURN = "SELECT pg_advisory_xact_lock(7089052903263759216)";

    private final PostgresServer server;
    private final boolean makes;
    private final StoreContinuity continuity;
    private final PostgresLoss loss;
    private final Dialect dialect = new PostgresDialect();
    private final Migrations migrations;
    private final ServerClock clock = new ServerClock();
    private final PostgresPool writers;
    private final PostgresPool readers;
    private final PostgresPool scans;
    private volatile boolean closed;

    private PostgresDatabase(PostgresServer server, boolean makes, StoreContinuity continuity) {
        this.server = server;
        this.makes = makes;
        this.continuity = continuity;
        this.loss = new PostgresLoss(server.toString());
        this.migrations = new Migrations(dialect, server.toString());
        this.writers = new PostgresPool(server, 1, 1);
        this.readers = new PostgresPool(server, READERS, MOST_IDLE - 1);
        this.scans = new PostgresPool(server, SCANS, 0);
    }

    /**
     * Opens the store and brings its tables to today's version.
     *
     * @param makes whether it makes them where there are none
     * @throws ControlStoreUnavailableException if the database cannot be used, others may use the schema, or it is of a
     *     later version
     */
    public static PostgresDatabase open(PostgresServer server, boolean makes) throws ControlStoreUnavailableException {
        PostgresDatabase database = new PostgresDatabase(server, makes, new StoreContinuity());
        try {
            database.read(connection -> Boolean.TRUE);
        } catch (ControlStoreUnavailableException | RuntimeException | Error e) {
            database.close();
            throw e;
        }
        return database;
    }

    /**
     * Like {@link #open}, when the first unit of work runs: that one fails if the database cannot be used, and each one after
     * it tries again.
     *
     * @param continuity what is known of the store in this place
     */
    public static PostgresDatabase deferred(PostgresServer server, StoreContinuity continuity) {
        return new PostgresDatabase(server, true, continuity);
    }

    @Override
    public Dialect dialect() {
        return dialect;
    }

    /** The time of the server as far as it was told. */
    public Clock clock() {
        return clock;
    }

    @Override
    public <T> T run(Work<T> work) throws ControlStoreUnavailableException {
        return transact(writers, work);
    }

    @Override
    public <T> T read(Work<T> work) throws ControlStoreUnavailableException {
        return transact(readers, work);
    }

    @Override
    public <T> T scan(Work<T> work) throws ControlStoreUnavailableException {
        return transact(scans, work);
    }

    private <T> T transact(PostgresPool pool, Work<T> work) throws ControlStoreUnavailableException {
        if (closed) {
            throw new ControlStoreUnavailableException(
                    "the control store is closed: " + server, "open another guard; this one was closed");
        }
        try {
            pool.enter();
            try {
                return transactInTurn(pool, work);
            } finally {
                pool.leave();
            }
        } catch (ControlStoreUnavailableException e) {
            throw e;
        } catch (SQLException e) {
            throw server.unavailable(e);
        }
    }

    private <T> T transactInTurn(PostgresPool pool, Work<T> work) throws SQLException {
        Begun begun = begin(pool);
        Connection connection = begun.connection();
        boolean committed = false;
        try {
            StoreContinuity.require(begun.expected(), begun.seen(), loss);
            T result = work.on(connection);
            StoreSighting after = pool == writers ? StoreContinuity.look(connection) : begun.seen();
            connection.commit();
            committed = true;
            continuity.seen(after);
            return result;
        } finally {
            if (committed) {
                pool.keep(connection);
            } else {
                PostgresPool.discard(connection);
            }
        }
    }

    /**
     * Begins a transaction. A connection that was open already may have ended meanwhile, as all do when the server is
     * restarted; nothing was done on it, so the next one is taken, and a new one in the end.
     */
    private Begun begin(PostgresPool pool) throws SQLException {
        for (Optional<Connection> idle = pool.idle(); idle.isPresent(); idle = pool.idle()) {
            try {
                return begin(pool, idle.get());
            } catch (SQLException e) {
                PostgresPool.discard(idle.get());
                if (!isEndOfConnection(e)) {
                    throw lacksTable(e) ? loss.emptied() : e;
                }
            }
        }
        Connection connection = connect(pool);
        try {
            return begin(pool, connection);
        } catch (SQLException e) {
            PostgresPool.discard(connection);
            throw lacksTable(e) ? loss.emptied() : e;
        }
    }

    /** The driver sends BEGIN with it: one round trip. */
    private Begun begin(PostgresPool pool, Connection connection) throws SQLException {
        StoreSighting expected = continuity.newest().orElseThrow();
        try (Statement statement = connection.createStatement()) {
            boolean rows = statement.execute(pool == writers ? WRITE_TURN + SIGHTING : SIGHTING);
            if (!rows) { // of the lock
                statement.getMoreResults();
            }
            StoreSighting seen;
            try (ResultSet row = statement.getResultSet()) {
                seen = StoreContinuity.sighting(row);
            }
            statement.getMoreResults();
            try (ResultSet row = statement.getResultSet()) {
                row.next();
                clock.tell(Instant.EPOCH.plus(row.getLong(1), ChronoUnit.MICROS));
            }
            return new Begun(connection, expected, seen);
        }
    }

    /** To the store that was here before; to a new one where this process knows of none and there is none. */
    private Connection connect(PostgresPool pool) throws SQLException {
        Connection connection = server.connect();
        boolean usable = false;
        try {
            Optional<StoreSighting> known = continuity.newest();
            requireRights(connection);
            boolean begun = migrations.begun(connection);
            if (known.isPresent() && !begun) {
                throw loss.emptied();
            }
            if (!makes && !begun) {
                throw new ControlStoreUnavailableException(
                        "there is no control store in " + server,
                        "name the one that the guards use; the first guard or server makes it");
            }
            if (migrations.needed(connection)) {
                migrate(connection);
            }
            try (Statement statement = connection.createStatement()) {
                statement.execute("SET default_transaction_isolation = '"
                        + (pool == writers ? "read committed" : "repeatable read") + "';"
                        + " SET default_transaction_read_only = " + (pool == writers ? "off" : "on"));
            }
            connection.setAutoCommit(false);
            StoreSighting seen = StoreContinuity.look(connection);
            if (known.isPresent() && pool != scans) { // which look at what may be damaged, and decide nothing
                StoreContinuity.requireHistory(known.get(), connection, loss);
            }
            connection.commit();
            continuity.seen(seen);
            usable = true;
            return connection;
        } finally {
            if (!usable) {
                PostgresPool.discard(connection);
            }
        }
    }

    private void migrate(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.execute(MIGRATION_TURN);
            // Asked for first: IF NOT EXISTS wants the right to make it, although it is there.
            boolean missing;
            try (ResultSet row =
                    statement.executeQuery("SELECT to_regnamespace('" + PostgresDialect.SCHEMA + "') IS NULL")) {
                row.next();
                missing = row.getBoolean(1);
            }
            if (missing) {
                statement.execute("CREATE SCHEMA " + PostgresDialect.SCHEMA);
            } else if (!migrations.begun(connection)) {
                requireOwn(statement);
            }
            migrations.apply(connection);
            connection.commit();
        }
        connection.setAutoCommit(true);
    }

    /** The owner of a schema can drop and replace whatever others put there. */
    private void requireOwn(Statement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery("SELECT pg_catalog.pg_has_role(n.nspowner, 'MEMBER'),"
                + " pg_catalog.pg_get_userbyid(n.nspowner) FROM pg_catalog.pg_namespace n WHERE n.nspname = '"
                + PostgresDialect.SCHEMA + "'")) {
            if (row.next() && !row.getBoolean(1)) {
                throw new ControlStoreUnavailableException(
                        "the control store is not made in schema " + PostgresDialect.SCHEMA + " of " + server
                                + ": the schema is there, without a store, and belongs to role " + row.getString(2),
                        "drop the schema, or give it to the role that operators use: ALTER SCHEMA "
                                + PostgresDialect.SCHEMA + " OWNER TO …");
            }
        }
    }

    /** Whoever could use the schema could approve, or end a pause; and it has to be used by this role. */
    private void requireRights(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT has_schema_privilege('public', n.oid, 'USAGE')"
                        + " OR has_schema_privilege('public', n.oid, 'CREATE'), has_schema_privilege(n.oid, 'USAGE'),"
                        + " current_user FROM pg_catalog.pg_namespace n WHERE n.nspname = '" + PostgresDialect.SCHEMA
                        + "'")) {
            if (!row.next()) {
                return; // it is made
            }
            if (row.getBoolean(1)) {
                throw new ControlStoreUnavailableException(
                        "the control store in schema " + PostgresDialect.SCHEMA + " of " + server
                                + " is not used: every role may use that schema, an agent's too",
                        "REVOKE ALL ON SCHEMA " + PostgresDialect.SCHEMA + " FROM PUBLIC");
            }
            if (!row.getBoolean(2)) {
                throw server.withoutRights(
                        new SQLException("role " + row.getString(3) + " may not use the schema", NO_RIGHT));
            }
        }
    }

    private static boolean isEndOfConnection(SQLException failure) {
        String state = String.valueOf(failure.getSQLState());
        return state.startsWith("08") || state.startsWith("57P") || state.equals("25P03");
    }

    private static boolean lacksTable(SQLException failure) {
        return "42P01".equals(failure.getSQLState());
    }

    @Override
    public void close() {
        closed = true;
        readers.close();
        writers.close();
        scans.close();
    }

    /**
     * A transaction that has begun.
     *
     * @param expected what was known before
     * @param seen what it sees
     */
    private record Begun(Connection connection, StoreSighting expected, StoreSighting seen) {}
}
