package io.backstop.jdbc.internal.control.sqlite;

import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.internal.control.ControlDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Readers wait for nobody, and the waits of writers do not add up. */
@Timeout(30)
class SqliteWaitsTest {
    @TempDir
    private Path folder;

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private Path file;
    private SqliteDatabase database;

    @BeforeEach
    void open() throws ControlStoreUnavailableException {
        file = folder.resolve("backstop.db");
        database = SqliteDatabase.open(file);
    }

    @AfterEach
    void close() {
        threads.shutdownNow();
        database.close();
    }

    private static long heartbeats(Connection connection) throws SQLException {
        try (Statement select = connection.createStatement();
                ResultSet row = select.executeQuery("SELECT count(*) FROM heartbeats")) {
            row.next();
            return row.getLong(1);
        }
    }

    private static void beat(Connection connection, String sidecar) throws SQLException {
        try (Statement insert = connection.createStatement()) {
            insert.execute("INSERT INTO heartbeats (sidecar, at) VALUES ('" + sidecar + "', 1)");
        }
    }

    /** A unit of work that stays where it is until the latch opens. */
    private Future<Boolean> lasting(boolean writes, CountDownLatch end) throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        ControlDatabase.Work<Boolean> work = connection -> {
            if (writes) {
                beat(connection, "lasting");
            }
            begun.countDown();
            try {
                end.await();
            } catch (InterruptedException e) {
                throw new SQLException(e);
            }
            return true;
        };
        Future<Boolean> unit = threads.submit(() -> writes ? database.run(work) : database.read(work));
        begun.await();
        return unit;
    }

    @Test
    void a_reader_does_not_wait_for_a_writer_of_the_same_process() throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        Future<Boolean> writer = lasting(true, end);
        assertThat(database.<Long>read(SqliteWaitsTest::heartbeats)).isZero();
        end.countDown();
        assertThat(writer.get()).isTrue();
        assertThat(database.<Long>read(SqliteWaitsTest::heartbeats)).isOne();
    }

    @Test
    void a_reader_does_not_wait_for_other_readers_however_many() throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        List<Future<Boolean>> scans = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            scans.add(lasting(false, end));
        }
        assertThat(database.<Long>read(SqliteWaitsTest::heartbeats)).isZero();
        database.perform(connection -> beat(connection, "a"));
        end.countDown();
        for (Future<Boolean> scan : scans) {
            assertThat(scan.get()).isTrue();
        }
    }

    @Test
    void a_reader_does_not_wait_for_a_writer_of_another_process() throws Exception {
        try (Connection other = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement lock = other.createStatement()) {
            lock.execute("BEGIN EXCLUSIVE");
            assertThat(database.<Long>read(SqliteWaitsTest::heartbeats)).isZero();
            lock.execute("ROLLBACK");
        }
    }

    /** One after the other, they would need 50 s. */
    @Test
    void ten_writers_that_wait_for_another_process_give_up_together_and_readers_go_on() throws Exception {
        try (Connection other = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement lock = other.createStatement()) {
            lock.execute("BEGIN IMMEDIATE");
            List<Future<?>> writers = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                String sidecar = "writer" + i;
                writers.add(threads.submit(() -> {
                    database.perform(connection -> beat(connection, sidecar));
                    return null;
                }));
            }
            assertThat(database.<Long>read(SqliteWaitsTest::heartbeats)).isZero();
            for (Future<?> writer : writers) {
                assertThatThrownBy(writer::get)
                        .isInstanceOf(ExecutionException.class)
                        .cause()
                        .isInstanceOf(ControlStoreUnavailableException.class)
                        .hasMessageContaining("for more than 5 s");
            }
            lock.execute("ROLLBACK");
        }
        database.perform(connection -> beat(connection, "afterwards"));
    }

    @Test
    void a_writer_that_is_interrupted_while_it_waits_for_its_turn_gives_up_at_once() throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        Future<Boolean> writer = lasting(true, end);
        Thread.currentThread().interrupt();
        try {
            assertThatThrownBy(() -> database.perform(connection -> beat(connection, "a")))
                    .isInstanceOf(ControlStoreUnavailableException.class)
                    .hasMessageContaining("the thread was interrupted while it waited for its turn");
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
        end.countDown();
        assertThat(writer.get()).isTrue();
    }

    @Test
    void an_interrupted_thread_that_need_not_wait_is_served() throws Exception {
        database.perform(connection -> beat(connection, "before"));
        Thread.currentThread().interrupt();
        try {
            database.perform(connection -> beat(connection, "a"));
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
        assertThat(database.<Long>read(SqliteWaitsTest::heartbeats)).isEqualTo(2);
    }

    @Test
    void closing_waits_for_nobody_and_lets_a_unit_come_to_its_end() throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        Future<Boolean> writer = lasting(true, end);
        database.close();
        assertThatThrownBy(() -> database.read(SqliteWaitsTest::heartbeats))
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessageStartingWith("the control store is closed");
        end.countDown();
        assertThat(writer.get()).isTrue();
        try (SqliteDatabase again = SqliteDatabase.open(file)) {
            assertThat(again.<Long>read(SqliteWaitsTest::heartbeats)).isOne();
        }
    }

    /** Whatever fails at the end of the stack, no transaction stays open behind it, and others can write. */
    @Test
    void a_stack_that_ends_anywhere_in_a_unit_leaves_no_transaction_open() throws Exception {
        assertThatThrownBy(() -> database.perform(connection -> {
                    throw new SQLException("so that every class is loaded before the stack ends in one's initialiser");
                }))
                .isInstanceOf(ControlStoreUnavailableException.class);
        for (int spare = 0; spare < 120; spare++) {
            int left = spare;
            Thread thread = new Thread(null, () -> atTheEndOfTheStack(0, left), "deep", 512 << 10);
            thread.start();
            thread.join();
            try (Connection other = DriverManager.getConnection("jdbc:sqlite:" + file);
                    Statement lock = other.createStatement()) {
                database.read(SqliteWaitsTest::heartbeats); // gives what was abandoned the chance to end
                database.perform(connection -> {});
                lock.execute("PRAGMA busy_timeout = 0");
                lock.execute("BEGIN IMMEDIATE");
                lock.execute("ROLLBACK");
            }
        }
    }

    /** Runs a unit, once, with this many frames left, or as many as there are. */
    private int atTheEndOfTheStack(int depth, int spare) {
        if (depth == Integer.MAX_VALUE) {
            return 0;
        }
        int above;
        try {
            above = atTheEndOfTheStack(depth + 1, spare);
        } catch (StackOverflowError e) {
            above = 0;
        }
        if (above == spare) {
            try {
                database.perform(connection -> beat(connection, "deep" + spare));
            } catch (StackOverflowError | ControlStoreUnavailableException e) {
                // What it left behind is what the test is about.
            }
        }
        return above + 1;
    }
}
