package io.backstop.snapshot.internal.session;

import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.capture.Securing;
import io.backstop.snapshot.internal.copy.PageRanges;
import io.backstop.snapshot.store.MemoryObjectStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.postgresql.PGConnection;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

import static io.backstop.snapshot.capture.Securing.only;
import static io.backstop.snapshot.capture.Securing.plain;
import static org.assertj.core.api.Assertions.assertThat;

/** Two connections read one table: only where both see the same rows, and never waiting for each other. */
@ExtendWith(PostgresExtension.class)
class HelperConnectionTest {
    private static final int ROWS = 9_000;

    private final TestDatabase database;
    private final Securing securing = new Securing(new MemoryObjectStore(), Duration.ofSeconds(10), 64 << 10);
    private final List<Connection> opened = new ArrayList<>();

    HelperConnectionTest(TestDatabase database) {
        this.database = database;
    }

    /** One row to a page, so that the table is long and its rows are few. */
    @BeforeEach
    void fill() throws SQLException {
        database.run(
                "CREATE TABLE long (id integer PRIMARY KEY, body text) WITH (fillfactor = 10)",
                "INSERT INTO long SELECT i, (SELECT string_agg(md5((i * j)::text), '') FROM generate_series(1, 30) j) "
                        + "FROM generate_series(1, " + ROWS + ") i");
        assertThat(Long.parseLong(database.value("SELECT pg_relation_size('long') / 8192")))
                .isGreaterThan(2 * PageRanges.PAGES);
    }

    @AfterEach
    void drop() throws SQLException {
        for (Connection connection : opened) {
            assertThat(connection.isClosed()).isTrue();
        }
        database.run("DROP TABLE long");
    }

    private Optional<Connection> open() throws SQLException {
        Connection connection = database.connect();
        opened.add(connection);
        return Optional.of(connection);
    }

    private SnapshotManifest delete(Connection connection, Connections more, Progress progress) throws Exception {
        return only(securing.service.secure(
                connection,
                more,
                Securing.request(List.of(plain(Kind.DELETE, "long")), List.of(), Long.MAX_VALUE),
                progress));
    }

    private void assertComplete(SnapshotManifest manifest) throws Exception {
        assertThat(manifest.rowCount()).isEqualTo(ROWS);
        assertThat(manifest.copyFormat()).isEqualTo("binary");
        assertThat(manifest.rowChecksum()).isEqualTo(securing.checksum(manifest));
        List<String> ids = securing.rows(database, manifest).stream()
                .map(row -> row.substring(0, row.indexOf('\t')))
                .toList();
        assertThat(new HashSet<>(ids))
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.rangeClosed(1, ROWS).mapToObj(String::valueOf).toList());
        securing.archive.verify(manifest);
    }

    @Test
    void both_connections_read_and_every_row_is_stored_once() throws Exception {
        try (Connection connection = Securing.begin(database)) {
            assertComplete(delete(connection, this::open, Progress.SILENT));
            assertThat(opened).hasSize(1);
        }
    }

    @Test
    void under_access_exclusive_the_first_reads_alone_and_at_once() throws Exception {
        try (Connection connection = Securing.begin(database)) {
            assertComplete(only(securing.service.secure(
                    connection,
                    this::open,
                    Securing.request(List.of(plain(Kind.TRUNCATE, "long")), List.of(), Long.MAX_VALUE),
                    Progress.SILENT)));
        }
    }

    @Test
    void somebody_who_waits_for_the_table_does_not_stop_the_two() throws Exception {
        try (Connection connection = Securing.begin(database);
                Connection other = database.connect()) {
            List<CompletableFuture<Void>> waiting = new ArrayList<>();
            SnapshotManifest manifest = delete(connection, this::open, (step, subject, done, total) -> {
                if (step == Progress.Step.LOCKED) {
                    waiting.add(CompletableFuture.runAsync(() -> lock(other)));
                    awaitWaiter();
                }
            });
            assertThat(opened).hasSize(1);
            assertComplete(manifest);
            connection.rollback();
            waiting.get(0).get();
        }
    }

    private static void lock(Connection other) {
        try {
            other.setAutoCommit(false);
            Securing.run(other, "LOCK TABLE long IN ACCESS EXCLUSIVE MODE");
            other.rollback();
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    private void awaitWaiter() {
        try {
            while (!database.value(
                            "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'long'::regclass AND NOT granted)")
                    .equals("t")) {
                Thread.onSpinWait();
            }
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    /** Such a transaction begins when those that write at SERIALIZABLE have ended: the first connection's too. */
    @Test
    @Timeout(60)
    void a_session_that_waits_for_serializable_transactions_by_default_waits_for_none() throws Exception {
        try (Connection connection = Securing.begin(database)) {
            connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            Connections deferrable = () -> {
                Optional<Connection> second = open();
                Securing.run(
                        second.orElseThrow(),
                        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE");
                return second;
            };
            assertComplete(delete(connection, deferrable, Progress.SILENT));
            assertThat(opened).hasSize(1);
        }
    }

    @Test
    void what_the_transaction_wrote_itself_is_read_by_itself_alone() throws Exception {
        try (Connection connection = Securing.begin(database)) {
            Securing.run(connection, "DELETE FROM long WHERE id = 1", "INSERT INTO long VALUES (-1, 'own')");
            SnapshotManifest manifest = delete(connection, this::open, Progress.SILENT);
            assertThat(opened).isEmpty();
            assertThat(manifest.rowCount()).isEqualTo(ROWS);
            assertThat(securing.rows(database, manifest)).contains("-1\town").noneMatch(row -> row.startsWith("1\t"));
        }
    }

    @Test
    void a_server_that_gives_no_second_connection_is_asked_once() throws Exception {
        int[] asked = {0};
        try (Connection connection = Securing.begin(database)) {
            assertComplete(delete(
                    connection,
                    () -> {
                        asked[0]++;
                        throw new SQLException("sorry, too many clients already", "53300");
                    },
                    Progress.SILENT));
        }
        assertThat(asked[0]).isEqualTo(1);
    }

    @Test
    void another_database_is_not_taken_for_the_same() throws Exception {
        database.run("CREATE DATABASE elsewhere");
        try (Connection connection = Securing.begin(database)) {
            String elsewhere = database.url().replaceFirst("/[^/?]+\\?", "/elsewhere?");
            try (Connection other = DriverManager.getConnection(elsewhere)) {
                Securing.run(other, "CREATE TABLE long (id integer PRIMARY KEY, body text)");
            }
            assertComplete(delete(
                    connection,
                    () -> {
                        Connection other = DriverManager.getConnection(elsewhere);
                        opened.add(other);
                        return Optional.of(other);
                    },
                    Progress.SILENT));
            assertThat(opened).hasSize(1);
        } finally {
            database.run("DROP DATABASE elsewhere");
        }
    }

    @Test
    void a_user_who_may_not_read_it_does_not_read_along() throws Exception {
        database.run("CREATE ROLE stranger LOGIN PASSWORD 'stranger'");
        try (Connection connection = Securing.begin(database)) {
            assertComplete(delete(
                    connection,
                    () -> {
                        Connection other = database.connect();
                        Securing.run(other, "SET SESSION AUTHORIZATION stranger");
                        opened.add(other);
                        return Optional.of(other);
                    },
                    Progress.SILENT));
            assertThat(opened).hasSize(1);
        } finally {
            database.run("DROP ROLE stranger");
        }
    }

    @Test
    void a_second_connection_that_breaks_while_it_reads_stops_the_statement() throws Exception {
        try (Connection connection = Securing.begin(database)) {
            boolean[] cut = {false};
            Progress cutting = (step, subject, done, total) -> {
                if (step == Progress.Step.COPYING && !cut[0]) {
                    cut[0] = true;
                    cutOpened();
                }
            };
            try {
                assertComplete(delete(connection, this::open, cutting));
            } catch (RecoveryNotReadyException e) {
                assertThat(e.getSQLState()).isEqualTo("ZB007");
                assertThat(securing.archive.list()).isEmpty();
            }
            assertThat(cut[0]).isTrue();
            assertThat(Securing.value(connection, "SELECT count(*) FROM long")).isEqualTo(String.valueOf(ROWS));
        }
    }

    private void cutOpened() {
        try {
            for (Connection connection : opened) {
                int pid = connection.unwrap(PGConnection.class).getBackendPID();
                database.value("SELECT pg_terminate_backend(" + pid + ")");
            }
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }
}
