package io.backstop.story;

import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditEvent.Kind;
import io.backstop.api.audit.AuditRecord;
import io.backstop.api.snapshot.Progress.Step;
import io.backstop.cli.CommandRun;
import io.backstop.jdbc.BackstopDataSource;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.FileObjectStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Each part of Backstop is down, at the start of a process and while it runs: reads go on, on connections that are open and
 * on new ones; what needs the part is refused with its SQLSTATE and changes nothing; and once the part is back, the same
 * connections go on without a restart.
 */
@ExtendWith(PostgresExtension.class)
@Timeout(120)
class FaultMatrixTest {
    private static final String STORE_DOWN = "ZB008";
    private static final String STORAGE_DOWN = "ZB007";
    private static final String CANCELLED = "57014";
    private static final String RUNS = "ok";

    private static final List<String> STORE_FILES = List.of("backstop.db", "backstop.db-wal", "backstop.db-shm");

    @TempDir
    private Path folder;

    private TestDatabase database;
    private Path storeFolder;
    private Path storageFolder;
    private Path away;
    private @Nullable Process locker;

    /** What is down, and what a write and a destructive write meet then. */
    enum Fault {
        STORE_REMOVED(STORE_DOWN, STORE_DOWN),
        STORE_FOLDER_MISSING(STORE_DOWN, STORE_DOWN),
        STORE_LOCKED_BY_ANOTHER_PROCESS(STORE_DOWN, STORE_DOWN),
        STORE_CORRUPT(STORE_DOWN, STORE_DOWN),
        STORE_EMPTIED(STORE_DOWN, STORE_DOWN),
        STORE_REPLACED(STORE_DOWN, STORE_DOWN),
        STORE_IS_A_FOLDER(STORE_DOWN, STORE_DOWN),
        STORAGE_IS_A_FILE(RUNS, STORAGE_DOWN),
        STORAGE_ON_A_MISSING_DEVICE(RUNS, STORAGE_DOWN),
        STORAGE_HANGING(RUNS, CANCELLED);

        private final String write;
        private final String destruction;

        Fault(String write, String destruction) {
            this.write = write;
            this.destruction = destruction;
        }

        boolean ofStore() {
            return write.equals(STORE_DOWN);
        }
    }

    @BeforeEach
    void create(TestDatabase testDatabase) throws Exception {
        database = testDatabase;
        storeFolder = Files.createDirectory(folder.resolve("control"));
        storageFolder = Files.createDirectory(folder.resolve("snapshots"));
        away = Files.createDirectory(folder.resolve("away"));
        database.run(
                "DROP TABLE IF EXISTS t, doomed",
                "CREATE TABLE t (id int PRIMARY KEY, v text)",
                "INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 100) i");
        doomedAnew();
        // The store has been used before, by a process that is gone.
        try (SqlControlStore store = SqlControlStore.sqlite(control(), Clock.systemUTC())) {
            store.heartbeats().beat("earlier", "db", Optional.empty(), Set.of());
        }
    }

    @AfterEach
    void unlock() throws Exception {
        if (locker != null) {
            endOf(locker);
        }
    }

    private void doomedAnew() throws SQLException {
        database.run(
                "DROP TABLE IF EXISTS doomed",
                "CREATE TABLE doomed (id int PRIMARY KEY)",
                "INSERT INTO doomed SELECT generate_series(1, 100)");
    }

    private Path control() {
        return storeFolder.resolve("backstop.db");
    }

    private BackstopDataSource dataSource(String storage) {
        return new BackstopDataSource(database.backstopUrl(
                "backstop.policy=application&backstop.control=" + control() + "&backstop.storage=" + storage));
    }

    private String storage(Fault fault) {
        return fault == Fault.STORAGE_HANGING
                ? BlockingStore.address(storageFolder)
                : storageFolder.toUri().toString();
    }

    private void strike(Fault fault) throws Exception {
        switch (fault) {
            case STORE_REMOVED -> moveStore(storeFolder, away);
            case STORE_FOLDER_MISSING -> Files.move(storeFolder, folder.resolve("unmounted"));
            case STORE_LOCKED_BY_ANOTHER_PROCESS -> lock();
            case STORE_CORRUPT -> {
                moveStore(storeFolder, away);
                Files.writeString(control(), "no database, but longer than the header of one ".repeat(200));
            }
            case STORE_EMPTIED -> {
                moveStore(storeFolder, away);
                Files.createFile(control());
            }
            case STORE_REPLACED -> {
                moveStore(storeFolder, away);
                Path other = Files.createDirectory(folder.resolve("other")).resolve("backstop.db");
                SqlControlStore.sqlite(other, Clock.systemUTC()).close();
                Files.move(other, control());
            }
            case STORE_IS_A_FOLDER -> {
                moveStore(storeFolder, away);
                Files.createDirectory(control());
            }
            case STORAGE_IS_A_FILE -> {
                Files.move(storageFolder, folder.resolve("unmounted"));
                Files.createFile(storageFolder);
            }
            case STORAGE_ON_A_MISSING_DEVICE -> {
                Files.move(storageFolder, folder.resolve("unmounted"));
                Files.createSymbolicLink(storageFolder, folder.resolve("device/that/is/not/there"));
            }
            case STORAGE_HANGING -> Files.createFile(storageFolder.resolve("blocked"));
        }
    }

    private void mend(Fault fault) throws Exception {
        switch (fault) {
            case STORE_LOCKED_BY_ANOTHER_PROCESS -> endOf(locker);
            case STORE_FOLDER_MISSING -> Files.move(folder.resolve("unmounted"), storeFolder);
            case STORE_REMOVED, STORE_CORRUPT, STORE_EMPTIED, STORE_REPLACED, STORE_IS_A_FOLDER -> {
                for (String name : STORE_FILES) {
                    Files.deleteIfExists(storeFolder.resolve(name));
                }
                moveStore(away, storeFolder);
            }
            case STORAGE_IS_A_FILE, STORAGE_ON_A_MISSING_DEVICE -> {
                Files.delete(storageFolder);
                Files.move(folder.resolve("unmounted"), storageFolder);
            }
            case STORAGE_HANGING -> Files.delete(storageFolder.resolve("blocked"));
        }
    }

    private static void moveStore(Path from, Path to) throws IOException {
        for (String name : STORE_FILES) {
            if (Files.exists(from.resolve(name))) {
                Files.move(from.resolve(name), to.resolve(name), StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    private void lock() throws IOException {
        locker = new ProcessBuilder(java(StoreLock.class, control().toString()))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        BufferedReader told =
                new BufferedReader(new InputStreamReader(locker.getInputStream(), StandardCharsets.UTF_8));
        assertThat(told.readLine()).isEqualTo("locked");
    }

    private static void endOf(@Nullable Process process) throws Exception {
        if (process != null) {
            process.getOutputStream().close();
            process.waitFor();
        }
    }

    private static List<String> java(Class<?> program, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                program.getName()));
        command.addAll(List.of(arguments));
        return command;
    }

    private static String read(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT count(*) FROM t")) {
            row.next();
            return row.getString(1);
        }
    }

    /** {@code ok}, or the SQLSTATE. */
    private static String execute(Connection connection, String sql, int timeoutSeconds) {
        try (Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(timeoutSeconds);
            statement.execute(sql);
            return RUNS;
        } catch (SQLException e) {
            return String.valueOf(e.getSQLState());
        }
    }

    private static String write(Connection connection) {
        return execute(connection, "UPDATE t SET v = v || '!' WHERE id = 1", 0);
    }

    private void assertDown(Connection connection, Fault fault) throws SQLException {
        assertThat(read(connection)).isEqualTo("100");
        String before = database.value("SELECT v FROM t WHERE id = 1");
        assertThat(write(connection)).isEqualTo(fault.write);
        assertThat(database.value("SELECT v FROM t WHERE id = 1"))
                .isEqualTo(before + (fault.write.equals(RUNS) ? "!" : ""));
        int timeout = fault == Fault.STORAGE_HANGING ? 1 : 0;
        assertThat(execute(connection, "DROP TABLE doomed", timeout)).isEqualTo(fault.destruction);
        assertThat(execute(connection, "DELETE FROM doomed", timeout)).isEqualTo(fault.destruction);
        assertThat(database.value("SELECT count(*) FROM doomed")).isEqualTo("100");
        assertThat(read(connection)).isEqualTo("100");
    }

    private void assertUp(Connection connection) throws SQLException, IOException {
        assertThat(read(connection)).isEqualTo("100");
        assertThat(write(connection)).isEqualTo(RUNS);
        int snapshots = snapshots();
        assertThat(execute(connection, "DROP TABLE doomed", 0)).isEqualTo(RUNS);
        assertThat(snapshots()).isEqualTo(snapshots + 1);
        doomedAnew();
    }

    private int snapshots() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(new FileObjectStore(storageFolder));
        assertThat(archive.contents().broken()).isEmpty();
        return archive.list().size();
    }

    @ParameterizedTest
    @EnumSource
    void a_part_that_is_down_at_the_start_stops_what_needs_it_until_it_is_back(Fault fault) throws Exception {
        strike(fault);
        try (BackstopDataSource dataSource = dataSource(storage(fault));
                Connection connection = dataSource.getConnection()) {
            assertDown(connection, fault);
            mend(fault);
            assertUp(connection);
        }
        assertWhole();
    }

    @ParameterizedTest
    @EnumSource
    void a_part_that_goes_down_meanwhile_stops_what_needs_it_until_it_is_back(Fault fault) throws Exception {
        try (BackstopDataSource dataSource = dataSource(storage(fault));
                Connection connection = dataSource.getConnection()) {
            assertUp(connection);
            strike(fault);
            assertDown(connection, fault);
            try (Connection another = dataSource.getConnection();
                    BackstopDataSource other = dataSource(storage(fault) + (fault.ofStore() ? "" : "/"));
                    Connection ofAnotherGuard = other.getConnection()) {
                assertThat(read(another)).isEqualTo("100");
                assertThat(read(ofAnotherGuard)).isEqualTo("100");
            }
            mend(fault);
            assertUp(connection);
        }
        assertWhole();
    }

    /** Every statement that ran is on the record with its outcome, in an unbroken chain. */
    private void assertWhole() throws SQLException {
        try (SqlControlStore store = SqlControlStore.sqlite(control(), Clock.systemUTC())) {
            assertThat(store.audit().firstBroken()).isEmpty();
            List<AuditEvent> events = store.audit().newest(10_000).stream()
                    .map(AuditRecord::event)
                    .toList();
            long allowed = events.stream()
                    .filter(event -> event.kind() == Kind.DECISION
                            && event.outcome().equals("allowed")
                            && !event.operation().equals("SELECT"))
                    .count();
            long outcomes = events.stream()
                    .filter(event -> event.kind() == Kind.OUTCOME)
                    .count();
            assertThat(outcomes).isEqualTo(allowed);
        }
    }

    @Test
    void a_closed_port_in_the_place_of_s3_stops_destruction_alone() throws Exception {
        int closed;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = socket.getLocalPort();
        }
        try (BackstopDataSource dataSource = dataSource("s3://bucket@http://127.0.0.1:" + closed);
                Connection connection = dataSource.getConnection()) {
            assertThat(read(connection)).isEqualTo("100");
            assertThat(write(connection)).isEqualTo(RUNS);
            assertThat(execute(connection, "DROP TABLE doomed", 0)).isEqualTo(STORAGE_DOWN);
            assertThat(database.value("SELECT count(*) FROM doomed")).isEqualTo("100");
        }
    }

    @Test
    void a_file_of_the_operating_system_that_never_ends_in_the_place_of_the_store_blocks_nobody() throws Exception {
        moveStore(storeFolder, away);
        assertThat(new ProcessBuilder("mkfifo", control().toString()).start().waitFor())
                .isZero();
        try (BackstopDataSource dataSource = dataSource(storage(Fault.STORE_REMOVED));
                Connection connection = dataSource.getConnection()) {
            assertThat(read(connection)).isEqualTo("100");
            assertThat(write(connection)).isEqualTo(STORE_DOWN);
            Files.delete(control());
            moveStore(away, storeFolder);
            assertThat(write(connection)).isEqualTo(RUNS);
        }
    }

    @Test
    void a_process_killed_between_execution_and_outcome_leaves_a_decision_and_a_whole_log() throws Exception {
        int exit = new ProcessBuilder(java(
                        CrashSite.class,
                        database.url(),
                        storageFolder.toUri().toString(),
                        control().toString(),
                        Step.COMMITTED.name(),
                        "DROP TABLE doomed"))
                .inheritIO()
                .start()
                .waitFor();
        assertThat(exit).isEqualTo(CrashSite.KILLED);
        try (SqlControlStore store = SqlControlStore.sqlite(control(), Clock.systemUTC())) {
            assertThat(store.audit().newest(10))
                    .extracting(record -> record.event().kind())
                    .containsExactly(Kind.DECISION);
        }
        CommandRun verify =
                CommandRun.of("audit", "verify", "--control", control().toString());
        assertThat(verify.exitCode()).as(verify.errors()).isZero();
        assertThat(CommandRun.of("audit", "list", "--control", control().toString())
                        .output())
                .contains("DROP TABLE doomed");
    }

    @Test
    void a_process_that_ends_without_closing_anything_records_every_outcome() throws Exception {
        int exit = new ProcessBuilder(java(
                        LastWords.class,
                        database.backstopUrl("backstop.policy=application&backstop.control=" + control())))
                .inheritIO()
                .start()
                .waitFor();
        assertThat(exit).isZero();
        try (SqlControlStore store = SqlControlStore.sqlite(control(), Clock.systemUTC())) {
            assertThat(store.audit().newest(1_000))
                    .filteredOn(record -> record.event().kind() == Kind.OUTCOME)
                    .hasSize(LastWords.STATEMENTS);
            assertThat(store.audit().firstBroken()).isEmpty();
        }
    }

    @Test
    void an_unfinished_snapshot_leaves_nothing_behind() throws Exception {
        strike(Fault.STORAGE_HANGING);
        try (BackstopDataSource dataSource = dataSource(storage(Fault.STORAGE_HANGING));
                Connection connection = dataSource.getConnection()) {
            assertThat(execute(connection, "DROP TABLE doomed", 1)).isEqualTo(CANCELLED);
            assertThat(database.value("SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation"
                            + " WHERE c.relname = 'doomed'"))
                    .as("no lock stays")
                    .isEqualTo("0");
        }
        mend(Fault.STORAGE_HANGING);
        try (Stream<Path> files = Files.walk(storageFolder)) {
            assertThat(files.filter(Files::isRegularFile).sorted(Comparator.naturalOrder()))
                    .isEmpty();
        }
    }
}
