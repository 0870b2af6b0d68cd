package io.backstop.story;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.CommandRun;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What becomes of the caller's transaction where a destructive statement is its first, or a later one. */
@ExtendWith(PostgresExtension.class)
class FirstStatementTest {
    @TempDir
    private Path folder;

    private TestDatabase database;

    @BeforeEach
    void fill(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP TABLE IF EXISTS t, other",
                "CREATE TABLE t (id int)",
                "CREATE TABLE other (id int)",
                "INSERT INTO t VALUES (1), (2)");
    }

    private Connection begin(String policy, int level) throws SQLException {
        Connection connection =
                DriverManager.getConnection(database.backstopUrl("backstop.agentId=agent&backstop.control=" + control()
                        + "&backstop.storage=" + storage() + "&backstop.policy=" + policy));
        connection.setTransactionIsolation(level);
        connection.setAutoCommit(false);
        return connection;
    }

    private String control() {
        return folder.resolve("backstop.db").toString();
    }

    private String storage() {
        return folder.resolve("snapshots").toUri().toString();
    }

    private long savedRows() throws IOException {
        try (ObjectStore store = ObjectStores.open(storage())) {
            return new SnapshotArchive(store)
                    .list().stream().mapToLong(SnapshotManifest::rowCount).sum();
        }
    }

    private static String value(Statement statement, String sql) throws SQLException {
        try (var rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Connection.TRANSACTION_REPEATABLE_READ, Connection.TRANSACTION_SERIALIZABLE})
    void the_look_of_an_approval_does_not_decide_what_is_seen(int level) throws Exception {
        try (Connection agent = begin("strict", level);
                Statement statement = agent.createStatement()) {
            assertThatThrownBy(() -> statement.execute("TRUNCATE t"))
                    .isInstanceOfSatisfying(
                            ApprovalRequiredException.class,
                            held -> assertThat(CommandRun.of(
                                                    "approvals", "approve", held.approvalId(), "--control", control())
                                            .exitCode())
                                    .isZero());
            agent.rollback();
            database.run("INSERT INTO t VALUES (3)");
            statement.execute("TRUNCATE t");
            assertThat(agent.getTransactionIsolation()).isEqualTo(level);
            assertThat(value(statement, "SHOW transaction_isolation"))
                    .isEqualTo(level == Connection.TRANSACTION_SERIALIZABLE ? "serializable" : "repeatable read");
            assertThat(database.value("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' "
                            + "AND relation = 't'::regclass"))
                    .isEqualTo("1");
            assertThat(savedRows()).isEqualTo(3);
            agent.rollback();
        }
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("3");
    }

    @Test
    void a_first_statement_that_the_server_refuses_leaves_a_failed_transaction_as_without_backstop() throws Exception {
        try (Connection agent = begin("application", Connection.TRANSACTION_SERIALIZABLE);
                Statement statement = agent.createStatement()) {
            assertThatThrownBy(() -> statement.execute("DELETE FROM t RETURNING id / (id - id)"))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("22012"));
            assertThatThrownBy(() -> statement.execute("INSERT INTO other VALUES (1)"))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("25P02"));
            agent.rollback();
            statement.execute("INSERT INTO other VALUES (2)");
            agent.commit();
        }
        assertThat(database.rows("SELECT id FROM other")).containsExactly("2");
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("2");
    }

    @Test
    void a_transaction_that_may_only_read_stays_one() throws Exception {
        try (Connection agent = begin("application", Connection.TRANSACTION_REPEATABLE_READ);
                Statement statement = agent.createStatement()) {
            agent.setReadOnly(true);
            assertThatThrownBy(() -> statement.execute("TRUNCATE t"))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("25006"));
            agent.rollback();
            assertThat(value(statement, "SHOW transaction_read_only")).isEqualTo("on");
            agent.rollback();
        }
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("2");
    }

    @Test
    void a_refusal_later_in_the_transaction_keeps_what_came_before() throws Exception {
        try (Connection agent = begin("application", Connection.TRANSACTION_REPEATABLE_READ);
                Statement statement = agent.createStatement()) {
            statement.execute("INSERT INTO other VALUES (1)");
            assertThatThrownBy(() -> statement.execute("TRUNCATE t"))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessage(
                            "the transaction runs at repeatable read and had begun before, so table t may hold rows "
                                    + "that it cannot see and that would go unsaved\nHINT: make the statement the first of its "
                                    + "transaction, or run it at READ COMMITTED");
            agent.commit();
        }
        assertThat(database.value("SELECT count(*) FROM other")).isEqualTo("1");
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("2");
    }

    /** The function's call is SAFE by its text: what it undoes must be its own, and not the caller's. */
    @Test
    void what_is_undone_because_of_its_row_count_takes_nothing_else_with_it() throws Exception {
        database.run("CREATE OR REPLACE FUNCTION wipe() RETURNS void LANGUAGE sql AS 'DELETE FROM t'");
        database.run("INSERT INTO t SELECT n FROM generate_series(3, 1500) n");
        try (Connection agent = begin("application", Connection.TRANSACTION_READ_COMMITTED);
                Statement statement = agent.createStatement()) {
            statement.execute("INSERT INTO other VALUES (1)");
            assertThatThrownBy(() -> statement.execute("SELECT wipe()")).isInstanceOf(ImpactLimitException.class);
            agent.commit();
            assertThatThrownBy(() -> statement.execute("SELECT wipe()")).isInstanceOf(ImpactLimitException.class);
            statement.execute("INSERT INTO other VALUES (2)");
            agent.commit();
        }
        assertThat(database.rows("SELECT id FROM other ORDER BY id")).containsExactly("1", "2");
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("1500");
    }
}
