package io.backstop.recovery;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.RowQuery;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.UndoReport;
import io.backstop.recovery.model.UndoRequest;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.capture.PostgresSnapshotService;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.testing.TestDatabase;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.List;
import java.util.Optional;

/** Runs statements behind snapshots as a guard does, and undoes them, for tests of undo. */
final class SecuredChanges {
    private final TestDatabase database;
    private final ObjectStore store;
    private final SnapshotSettings settings;

    SecuredChanges(TestDatabase database, ObjectStore store) {
        this.database = database;
        this.store = store;
        this.settings = new SnapshotSettings(store.address(), SnapshotSettings.DEFAULT_LOCK_TIMEOUT, Clock.systemUTC());
    }

    /** The tables are stored whole; the name of the change. */
    String whole(Kind kind, String table, String sql) throws SQLException {
        return run(kind, table, Optional.empty(), true, sql, "");
    }

    /** Several tables are stored whole, by one statement. */
    void group(Kind kind, List<String> tables, String sql) throws SQLException {
        run(kind, tables, Optional.empty(), true, sql, "");
    }

    /** Only the rows are stored of which the condition is true. */
    String rows(Kind kind, String table, String condition, String sql) throws SQLException {
        return run(kind, table, Optional.of(condition), true, sql, "");
    }

    /**
     * @param rows which rows are stored; all where it is empty
     * @param marked whether the process lives long enough to say that it is committed
     * @param after a statement that follows in the same transaction, which is the caller's then, and has a savepoint for a
     *     statement whose rows are stored
     */
    String run(Kind kind, String table, Optional<String> rows, boolean marked, String sql, String after)
            throws SQLException {
        return run(kind, List.of(table), rows, marked, sql, after);
    }

    private String run(Kind kind, List<String> tables, Optional<String> rows, boolean marked, String sql, String after)
            throws SQLException {
        SnapshotRequest request = new SnapshotRequest(
                List.of(new Destruction(
                        kind,
                        tables.stream()
                                .map(table -> RelationName.of("app", table))
                                .toList(),
                        sql.contains("CASCADE"),
                        rows.isPresent())),
                List.of(),
                Long.MAX_VALUE,
                Optional.empty(),
                "localhost:5432/test",
                "agent",
                "0".repeat(64),
                Optional.empty(),
                !after.isEmpty());
        PostgresSnapshotService snapshots = new PostgresSnapshotService(store, settings);
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            boolean savepoint = rows.isPresent() && !after.isEmpty();
            if (savepoint) {
                statement.execute("SAVEPOINT callers; SAVEPOINT guards");
            }
            SecuredRows secured = rows.isPresent()
                    ? snapshots.secureRows(
                            connection,
                            Connections.NONE,
                            request,
                            new RowQuery(
                                    "SELECT tableoid, ctid FROM app." + tables.get(0) + " WHERE " + rows.get()
                                            + " FOR UPDATE",
                                    true),
                            Progress.SILENT)
                    : snapshots.secure(connection, Connections.NONE, request, Progress.SILENT);
            statement.execute(sql);
            secured.confirmNothingElseWasDestroyed();
            if (savepoint) {
                statement.execute("RELEASE SAVEPOINT guards");
            }
            if (!after.isEmpty()) {
                statement.execute(after);
            }
            connection.commit();
            if (marked) {
                secured.committed();
            }
            return secured.groupId();
        }
    }

    UndoReport undo(String change) throws SQLException, RecoveryException {
        return undo(change, false);
    }

    UndoReport undo(String change, boolean skipChanged) throws SQLException, RecoveryException {
        return undo(store, change, skipChanged);
    }

    UndoReport undo(ObjectStore through, String change, boolean skipChanged) throws SQLException, RecoveryException {
        try (Connection connection = database.connect()) {
            return new Undo(new SnapshotArchive(through), settings)
                    .run(connection, new UndoRequest(change, "tester", skipChanged));
        }
    }

    UndoReport preview(String change) throws SQLException, RecoveryException {
        try (Connection connection = database.connect()) {
            return new Undo(new SnapshotArchive(store), settings)
                    .preview(connection, new UndoRequest(change, "tester", false));
        }
    }
}
