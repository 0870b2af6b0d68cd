package io.backstop.jdbc.control;

import io.backstop.api.audit.AuditLog;
import io.backstop.api.control.ApprovalStore;
import io.backstop.api.control.ControlStore;
import io.backstop.api.control.Heartbeats;
import io.backstop.api.control.PauseSwitch;
import io.backstop.api.control.QuarantineLedger;
import io.backstop.api.control.SnapshotCatalogue;
import io.backstop.api.error.ControlStoreUnavailableException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;

/** The control store in one SQLite file, for the processes of one host. Thread-safe. */
public final class SqliteControlStore implements ControlStore {
    private final SqliteDatabase database;
    private final SqliteAuditLog audit;
    private final SqliteApprovals approvals;
    private final SqlitePauseSwitch pause;
    private final SqliteSnapshotCatalogue snapshots;
    private final SqliteQuarantineLedger quarantine;
    private final SqliteHeartbeats heartbeats;

    private SqliteControlStore(SqliteDatabase database, Clock clock) {
        this.database = database;
        this.audit = new SqliteAuditLog(database);
        OperatorTrail trail = new OperatorTrail(clock);
        this.approvals = new SqliteApprovals(database, trail, clock);
        this.pause = new SqlitePauseSwitch(database, trail, clock);
        this.snapshots = new SqliteSnapshotCatalogue(database);
        this.quarantine = new SqliteQuarantineLedger(database, clock);
        this.heartbeats = new SqliteHeartbeats(database, clock);
    }

    /**
     * Opens the store in this file; creates the file, but not its folder.
     *
     * @throws ControlStoreUnavailableException where the folder is missing or the file cannot be used
     */
    public static SqliteControlStore open(Path file, Clock clock) throws ControlStoreUnavailableException {
        return new SqliteControlStore(SqliteDatabase.open(file), clock);
    }

    /**
     * The file that is used where none is configured: {@code backstop.db} in {@code BACKSTOP_HOME} or else in {@code
     * ~/.backstop}, a folder that is created for its owner only.
     */
    public static Path defaultFile() throws ControlStoreUnavailableException {
        String home = System.getenv("BACKSTOP_HOME");
        Path folder =
                home == null || home.isBlank() ? Path.of(System.getProperty("user.home"), ".backstop") : Path.of(home);
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new ControlStoreUnavailableException(
                    "the folder for the control store cannot be created: " + folder,
                    "set backstop.control to a file, or BACKSTOP_HOME to a folder, that this user can write",
                    e);
        }
        return folder.resolve("backstop.db");
    }

    @Override
    public ApprovalStore approvals() {
        return approvals;
    }

    @Override
    public PauseSwitch pause() {
        return pause;
    }

    @Override
    public AuditLog audit() {
        return audit;
    }

    @Override
    public SnapshotCatalogue snapshots() {
        return snapshots;
    }

    @Override
    public QuarantineLedger quarantine() {
        return quarantine;
    }

    @Override
    public Heartbeats heartbeats() {
        return heartbeats;
    }

    @Override
    public void close() {
        database.close();
    }
}
