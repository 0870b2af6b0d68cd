package io.backstop.recovery.internal.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.Connections;
import io.backstop.recovery.internal.sql.ParallelWork;
import io.backstop.recovery.model.RecoveryException;
import org.jspecify.annotations.Nullable;

import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Where one restore keeps the tables that two connections work on before the transaction that publishes them: under names
 * and with comments that say so, and with an advisory lock that both sessions share, so that the next restore knows whether
 * anybody still works on them. What was not published is dropped when this is closed. Used by one thread.
 */
public final class StagingArea implements AutoCloseable {
    private static final SecureRandom RANDOM = new SecureRandom();

    private final Connection first;
    private final Connections connections;
    private final RestoreLock lock = new RestoreLock(RANDOM.nextLong());
    private final List<RelationName> tables = new ArrayList<>();

    private @Nullable Connection second;
    private boolean asked;
    private boolean published;

    public StagingArea(Connection first, Connections connections) {
        this.first = first;
        this.connections = connections;
    }

    /** Whether a second connection is to be had; without one there is nothing to gain. */
    public boolean isToBeHad() throws SQLException {
        if (!asked) {
            asked = true;
            lock.share(first);
            second = open();
        }
        return second != null;
    }

    /** Whatever a second connection is refused for, one is enough. */
    private @Nullable Connection open() {
        try {
            Optional<Connection> opened = connections.open();
            if (opened.isPresent()) {
                try {
                    if (isLikeTheFirst(opened.get())) {
                        lock.share(opened.get());
                        return opened.get();
                    }
                } catch (SQLException e) {
                    closeQuietly(opened.get());
                    return null;
                }
                closeQuietly(opened.get());
            }
            return null;
        } catch (SQLException e) {
            return null;
        }
    }

    /** In the same database of the same server, and as the same role. */
    private boolean isLikeTheFirst(Connection connection) throws SQLException {
        return lock.isSharedBy(value(first, "pg_catalog.pg_backend_pid()"), connection)
                && value(first, "current_user").equals(value(connection, "current_user"));
    }

    private static String value(Connection connection, String expression) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery("SELECT " + expression)) {
            result.next();
            return result.getString(1);
        }
    }

    public Connection first() {
        return first;
    }

    /** The connections that work on the staging tables. */
    ParallelWork work() {
        return new ParallelWork(Optional.ofNullable(second));
    }

    /** A name for one more table of the schema, which is this one's to drop from now on. */
    RelationName name(String schema) {
        RelationName name = new StagingName(lock.key(), tables.size()).in(schema);
        tables.add(name);
        return name;
    }

    /** The tables have their own names now. */
    public void published() {
        published = true;
    }

    /**
     * Drops what was not published. Where the first connection is broken, the second one does it; where neither can, the
     * next restore into the schema will.
     */
    @Override
    public void close() throws SQLException, RecoveryException {
        if (!asked) {
            return;
        }
        try {
            if (!published && !tables.isEmpty()) {
                drop();
            }
        } finally {
            if (second != null) {
                closeQuietly(second);
            }
            release();
        }
    }

    private void drop() throws SQLException, RecoveryException {
        try {
            AbandonedStagingTables.drop(first, tables);
        } catch (SQLException | RecoveryException e) {
            if (second == null) {
                throw e;
            }
            try {
                AbandonedStagingTables.drop(second, tables);
            } catch (SQLException | RecoveryException again) {
                e.addSuppressed(again);
                throw e;
            }
        }
    }

    private void release() {
        try {
            lock.release(first);
        } catch (SQLException e) {
            // The connection is broken, and its lock gone with it.
        }
    }

    private static void closeQuietly(Connection connection) {
        try {
            connection.close();
        } catch (SQLException e) {
            // It is the server's to end a broken connection; nothing of it is needed any more.
        }
    }
}
