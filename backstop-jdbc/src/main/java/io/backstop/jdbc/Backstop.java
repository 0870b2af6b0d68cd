package io.backstop.jdbc;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.control.ControlStore;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.SnapshotService;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.jdbc.internal.guard.GuardedConnection;
import io.backstop.jdbc.internal.pipeline.Pipeline;
import io.backstop.jdbc.internal.pipeline.session.CurrentAgent;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import org.postgresql.PGProperty;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Callable;

/**
 * Guards connections with one policy, one control store and one storage. The driver makes a guard for each set of
 * settings; code that wants its own builds it with {@link #builder()}. Thread-safe.
 */
public final class Backstop implements AutoCloseable {
    private final Pipeline pipeline;
    private final ControlStore store;
    private final Optional<SnapshotService> snapshots;
    private final Optional<StorageCheck> storageCheck;
    private final String agentId;
    private final GuardSettings.Place place;

    Backstop(
            Pipeline pipeline,
            ControlStore store,
            Optional<SnapshotService> snapshots,
            Optional<StorageCheck> storageCheck,
            String agentId,
            GuardSettings.Place place) {
        this.pipeline = pipeline;
        this.store = store;
        this.snapshots = snapshots;
        this.storageCheck = storageCheck;
        this.agentId = agentId;
        this.place = place;
    }

    public static BackstopBuilder builder() {
        return new BackstopBuilder();
    }

    /**
     * Runs code whose statements, on whatever guarded connection, are sent in the name of this agent: in this thread, and
     * only until the code returns.
     *
     * @param agentId not blank, at most 200 characters, none of them a control character
     */
    public static <T> T asAgent(String agentId, Callable<T> code) throws Exception {
        CurrentAgent.problem(agentId).ifPresent(problem -> {
            throw new IllegalArgumentException("the agent's id " + problem);
        });
        return CurrentAgent.during(agentId, code);
    }

    /** Assesses a text without a database: what it would do, by its text alone. */
    public static Assessment assess(String sql) {
        return SqlAnalyzer.create().assess(sql);
    }

    /**
     * By which name the last statement of a connection that was not SAFE can be undone ({@code backstop undo}), {@code grp_…};
     * empty where no rows were stored for it. It counts only if the statement's transaction is committed.
     *
     * @param connection a guarded one, also behind a pool's own
     * @throws SQLException where it is not guarded
     */
    public static Optional<String> lastChange(Connection connection) throws SQLException {
        return connection.unwrap(GuardedConnection.class).lastChange();
    }

    /**
     * Puts a connection behind the guard. Closing the guarded one closes it.
     *
     * @param connection one of pgjdbc, or of a pool over it
     * @throws SQLException where it is not a connection to PostgreSQL
     */
    public Connection guard(Connection connection) throws SQLException {
        return guard(connection, Connections.NONE);
    }

    /**
     * The same, with a way to a second connection, which makes the snapshot of a large table quicker.
     *
     * @param more connections for the same user to the same database; not from a pool whose connections may all be taken
     */
    public Connection guard(Connection connection, Connections more) throws SQLException {
        return guard(connection, more, () -> {});
    }

    /** @param whenClosed is run once, after the guarded connection was closed or aborted */
    Connection guard(Connection connection, Connections more, Runnable whenClosed) throws SQLException {
        Properties parsed =
                org.postgresql.Driver.parseURL(connection.getMetaData().getURL(), null);
        String hostAndPort = parsed == null
                ? "postgresql"
                : PGProperty.PG_HOST.getOrDefault(parsed) + ":" + PGProperty.PG_PORT.getOrDefault(parsed);
        GuardedSession session =
                new GuardedSession(connection, more, place.name(hostAndPort, connection.getCatalog()), agentId);
        Connection guarded = new GuardedConnection(session, pipeline, () -> {
            pipeline.closed(session);
            whenClosed.run();
        });
        pipeline.opened(session);
        return guarded;
    }

    /** The control store, for operators' tools in the same process. */
    public ControlStore controlStore() {
        return store;
    }

    /**
     * Lets statements that are under way end, for a few seconds, writes what the audit still holds back, and releases files
     * and threads. Guarded connections refuse writes from then on.
     */
    @Override
    public void close() {
        storageCheck.ifPresent(StorageCheck::close);
        pipeline.close();
        snapshots.ifPresent(SnapshotService::close);
        store.close();
    }
}
