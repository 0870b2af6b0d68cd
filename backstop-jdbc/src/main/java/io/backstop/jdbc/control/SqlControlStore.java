package io.backstop.jdbc.control;

import io.backstop.api.audit.AuditLog;
import io.backstop.api.control.Alerts;
import io.backstop.api.control.ApprovalStore;
import io.backstop.api.control.ControlStore;
import io.backstop.api.control.Heartbeats;
import io.backstop.api.control.PauseSwitch;
import io.backstop.api.control.QuarantineLedger;
import io.backstop.api.control.SnapshotCatalogue;
import io.backstop.api.control.WriteBudgets;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.internal.control.AlertRepository;
import io.backstop.jdbc.internal.control.ApprovalRepository;
import io.backstop.jdbc.internal.control.AuditRepository;
import io.backstop.jdbc.internal.control.ControlDatabase;
import io.backstop.jdbc.internal.control.HeartbeatRepository;
import io.backstop.jdbc.internal.control.KnownStores;
import io.backstop.jdbc.internal.control.OperatorTrail;
import io.backstop.jdbc.internal.control.PauseRepository;
import io.backstop.jdbc.internal.control.QuarantineRepository;
import io.backstop.jdbc.internal.control.SnapshotCatalogueRepository;
import io.backstop.jdbc.internal.control.WriteBudgetRepository;
import io.backstop.jdbc.internal.control.postgres.PostgresDatabase;
import io.backstop.jdbc.internal.control.postgres.PostgresServer;
import io.backstop.jdbc.internal.control.sqlite.SqliteDatabase;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Optional;

/**
 * The control store in an SQL database: SQLite holds it in one file, for the processes of one host, and PostgreSQL in the
 * schema {@code backstop} of a database, for those of many. Thread-safe.
 */
public final class SqlControlStore implements ControlStore {
    private static final String DEFAULT_NAME = "backstop.db";

    private final ControlDatabase database;
    private final AuditRepository audit;
    private final ApprovalRepository approvals;
    private final PauseRepository pause;
    private final SnapshotCatalogueRepository snapshots;
    private final QuarantineRepository quarantine;
    private final HeartbeatRepository heartbeats;
    private final WriteBudgetRepository budgets;
    private final AlertRepository alerts;

    private final Clock clock;

    private SqlControlStore(ControlDatabase database, Clock clock) {
        this.database = database;
        this.clock = clock;
        this.audit = new AuditRepository(database);
        OperatorTrail trail = new OperatorTrail(clock);
        this.approvals = new ApprovalRepository(database, trail, clock);
        this.pause = new PauseRepository(database, trail, clock);
        this.snapshots = new SnapshotCatalogueRepository(database);
        this.quarantine = new QuarantineRepository(database, trail, clock);
        this.heartbeats = new HeartbeatRepository(database, clock);
        this.budgets = new WriteBudgetRepository(database, clock);
        this.alerts = new AlertRepository(database, trail, clock);
    }

    /**
     * Opens the store in this SQLite file. Creates the file if there never was one, but not its folder.
     *
     * @throws ControlStoreUnavailableException if the folder is missing, or the file cannot be used, is of a later version
     *     or not the store that was here before
     */
    public static SqlControlStore sqlite(Path file, Clock clock) throws ControlStoreUnavailableException {
        return new SqlControlStore(SqliteDatabase.open(file), clock);
    }

    /**
     * Opens the store in the schema {@code backstop} of this database, and makes it if there never was one. Its times are
     * those of the server.
     *
     * @param url of the form {@code jdbc:postgresql://host:port/database?user=…}, with pgjdbc's parameters
     * @throws ControlStoreUnavailableException if the database cannot be used, every role may use the schema, or the store is
     *     of a later version
     */
    public static SqlControlStore postgresql(String url) throws ControlStoreUnavailableException {
        return opened(PostgresServer.of(url));
    }

    static SqlControlStore opened(PostgresServer server) throws ControlStoreUnavailableException {
        PostgresDatabase database = PostgresDatabase.open(server, true);
        return new SqlControlStore(database, database.clock());
    }

    /** The same with a time of the caller's. */
    static SqlControlStore postgresql(String url, Clock clock) throws ControlStoreUnavailableException {
        return new SqlControlStore(PostgresDatabase.open(PostgresServer.of(url), true), clock);
    }

    /** The one that is there. */
    static SqlControlStore existing(PostgresServer server) throws ControlStoreUnavailableException {
        PostgresDatabase database = PostgresDatabase.open(server, false);
        return new SqlControlStore(database, database.clock());
    }

    /**
     * The same store, opened when it is first used and again after each failure, so that a process can begin without it.
     *
     * @param place empty for the {@link #defaultFile}, whose folder is created with it
     * @param known the stores that this process has opened
     * @param clock empty for the time of the store's host
     */
    public static SqlControlStore deferred(Optional<ControlPlace> place, KnownStores known, Optional<Clock> clock) {
        Optional<PostgresServer> server = place.flatMap(ControlPlace::server);
        if (server.isPresent()) {
            PostgresDatabase database = PostgresDatabase.deferred(
                    server.get(), known.at(server.get().toString()));
            return new SqlControlStore(database, clock.orElse(database.clock()));
        }
        Path file = place.flatMap(ControlPlace::file)
                .orElseGet(() -> defaultFolder().resolve(DEFAULT_NAME))
                .toAbsolutePath()
                .normalize();
        return new SqlControlStore(
                SqliteDatabase.deferred(file, place.isEmpty(), known.at(file.toString())),
                clock.orElse(Clock.systemUTC()));
    }

    /**
     * The file for processes that configure none: {@code backstop.db} in {@code BACKSTOP_HOME}, or else in {@code
     * ~/.backstop}. Creates the folder if it is missing.
     *
     * @throws ControlStoreUnavailableException if the folder cannot be created
     */
    public static Path defaultFile() throws ControlStoreUnavailableException {
        Path folder = defaultFolder();
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new ControlStoreUnavailableException(
                    "the folder for the control store cannot be created: " + folder,
                    "set backstop.control to a file, or BACKSTOP_HOME to a folder, that this user can write",
                    e);
        }
        return folder.resolve(DEFAULT_NAME);
    }

    private static Path defaultFolder() {
        String home = System.getenv("BACKSTOP_HOME");
        return home == null || home.isBlank() ? Path.of(System.getProperty("user.home"), ".backstop") : Path.of(home);
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
    public WriteBudgets budgets() {
        return budgets;
    }

    @Override
    public Alerts alerts() {
        return alerts;
    }

    @Override
    public Clock clock() {
        return clock;
    }

    @Override
    public void close() {
        database.close();
    }
}
