package io.backstop.jdbc.internal.control.sqlite;

import io.backstop.api.error.ControlStoreUnavailableException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class SqliteDatabaseTest {
    @TempDir
    private Path folder;

    private Path file;
    private SqliteDatabase database;

    @BeforeEach
    void open() throws ControlStoreUnavailableException {
        file = folder.resolve("backstop.db");
        database = SqliteDatabase.open(file);
    }

    @AfterEach
    void close() {
        database.close();
    }

    @Test
    void a_class_that_cannot_be_loaded_is_not_blamed_on_the_disk() {
        assertThatThrownBy(() -> database.perform(connection -> {
                    throw new NoClassDefFoundError("a/Missing");
                }))
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessage("the control store cannot be used: " + file + ": code that it needs cannot be loaded: "
                        + "java.lang.NoClassDefFoundError: a/Missing\nHINT: check the versions of Backstop's modules and of "
                        + "sqlite-jdbc on the class path, and that native libraries may be loaded from the folder of "
                        + "java.io.tmpdir")
                .hasRootCauseInstanceOf(NoClassDefFoundError.class);
    }

    @Test
    void a_store_that_is_removed_while_it_is_opened_is_refused_from_then_on() throws Exception {
        ExecutorService opener = Executors.newSingleThreadExecutor();
        try {
            for (int round = 0; round < 300; round++) {
                Path store =
                        Files.createDirectory(folder.resolve("round" + round)).resolve("backstop.db");
                SqliteDatabase.open(store).close(); // from now on it is known that there was one
                Future<SqliteDatabase> opened = opener.submit(() -> SqliteDatabase.open(store));
                for (long start = System.nanoTime(); System.nanoTime() - start < round * 20_000L; ) {
                    Thread.onSpinWait();
                }
                Files.delete(store);
                try (SqliteDatabase other = opened.get()) {
                    assertThatThrownBy(() -> other.read(connection -> 1))
                            .isInstanceOf(ControlStoreUnavailableException.class);
                } catch (ExecutionException e) {
                    assertThat(e).hasCauseInstanceOf(ControlStoreUnavailableException.class);
                }
            }
        } finally {
            opener.shutdownNow();
        }
    }

    @Test
    void a_failure_of_the_store_itself_names_file_and_disk() {
        assertThatThrownBy(() -> database.perform(connection -> {
                    throw new SQLException("disk I/O error");
                }))
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessageContaining("the control store cannot be used: " + file)
                .hasMessageContaining("the disk has room");
    }

    @Test
    void a_unit_that_ends_with_an_error_is_rolled_back_and_the_next_one_runs() throws Exception {
        assertThatThrownBy(() -> database.perform(connection -> {
                    try (Statement statement = connection.createStatement()) {
                        statement.execute("INSERT INTO heartbeats (sidecar, at) VALUES ('half', 1)");
                    }
                    throw new StackOverflowError("deep");
                }))
                .isInstanceOf(StackOverflowError.class);
        assertThat(database.<Integer>run(connection -> {
                    try (Statement statement = connection.createStatement();
                            var rows = statement.executeQuery("SELECT count(*) FROM heartbeats")) {
                        rows.next();
                        return rows.getInt(1);
                    }
                }))
                .isZero();
    }

    @Test
    void several_that_create_the_file_at_once_all_open_it() throws Exception {
        int openers = 8;
        CyclicBarrier together = new CyclicBarrier(openers);
        ExecutorService threads = Executors.newFixedThreadPool(openers);
        try {
            for (int round = 0; round < 25; round++) {
                Path fresh = folder.resolve("fresh" + round + ".db");
                List<Callable<String>> openings = Collections.nCopies(openers, () -> {
                    together.await();
                    try (SqliteDatabase opened = SqliteDatabase.open(fresh)) {
                        return opened.read(SqliteDatabaseTest::journalMode);
                    }
                });
                for (Future<String> opening : threads.invokeAll(openings)) {
                    assertThat(opening.get()).isEqualTo("wal");
                }
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(fresh)))
                        .isEqualTo("rw-------");
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private static String journalMode(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet mode = statement.executeQuery("PRAGMA journal_mode")) {
            mode.next();
            return mode.getString(1);
        }
    }

    @Test
    void a_file_that_stays_locked_is_told_as_locked() throws Exception {
        try (Connection other = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement lock = other.createStatement()) {
            lock.execute("BEGIN IMMEDIATE");
            assertThatThrownBy(() -> database.perform(connection -> {}))
                    .isInstanceOf(ControlStoreUnavailableException.class)
                    .hasMessage("the control store cannot be used: " + file
                            + ": another process has kept it locked for more than 5 s\nHINT: find the process that"
                            + " has the file open and let it end; Backstop itself locks it for milliseconds");
            lock.execute("ROLLBACK");
        }
        database.perform(connection -> {});
    }

    @Test
    void a_file_that_is_no_database_is_told_as_such() throws Exception {
        Path text = Files.writeString(folder.resolve("notes.txt"), "a text that is longer than a header ".repeat(9));
        assertThatThrownBy(() -> SqliteDatabase.open(text))
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessage("the control store cannot be used: " + text
                        + ": it is damaged, or no SQLite database\nHINT: put back a copy of the file, or set"
                        + " backstop.control to another one");
    }
}
