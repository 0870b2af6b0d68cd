package io.backstop.jdbc;

import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.xa.PGXADataSource;

import javax.sql.XAConnection;
import javax.transaction.xa.XAResource;
import javax.transaction.xa.Xid;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Transactions that a transaction manager prepares and commits, through XA or in SQL, under the read fence. */
@ExtendWith(PostgresExtension.class)
class TwoPhaseCommitTest {
    @TempDir
    private Path folder;

    private TestDatabase database;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 20) AS n",
                "CREATE FUNCTION doubled(n int) RETURNS int LANGUAGE sql STABLE AS 'SELECT 2 * n'");
    }

    @AfterEach
    void drop() throws SQLException {
        for (String prepared : database.rows("SELECT 'ROLLBACK PREPARED ' || quote_literal(gid) FROM pg_prepared_xacts"
                + " WHERE database = current_database()")) {
            database.run(prepared);
        }
        database.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public");
    }

    private record Branch(int number) implements Xid {
        @Override
        public int getFormatId() {
            return 1;
        }

        @Override
        public byte[] getGlobalTransactionId() {
            return ("transaction " + number).getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public byte[] getBranchQualifier() {
            return new byte[] {1};
        }
    }

    private static String value(Connection connection, String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getString(1);
        }
    }

    private static int update(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            return statement.executeUpdate(sql);
        }
    }

    /** The manager talks to pgjdbc's own connection, past the guard: what it ends, the guard has to notice. */
    @ParameterizedTest
    @ValueSource(strings = {"session", "statement"})
    void a_manager_prepares_and_commits_what_was_guarded(String fence) throws Exception {
        PGXADataSource source = new PGXADataSource();
        source.setURL(database.url());
        XAConnection managed = source.getXAConnection();
        XAResource resource = managed.getXAResource();
        try (Backstop backstop = FencedGuard.of(folder, fence);
                Connection connection = backstop.guard(managed.getConnection())) {
            for (int i = 1; i <= 4; i++) {
                Branch branch = new Branch(i);
                resource.start(branch, XAResource.TMNOFLAGS);
                assertThat(value(connection, "SELECT count(*) FROM users WHERE id <= 20"))
                        .isEqualTo("20");
                assertThat(value(connection, "SELECT doubled(id) FROM users WHERE id = 2"))
                        .isEqualTo("4");
                assertThat(update(connection, "INSERT INTO users VALUES (" + (100 + i) + ", 'xa')"))
                        .isEqualTo(1);
                assertThat(value(connection, "SELECT doubled(id) FROM users WHERE id = 3"))
                        .isEqualTo("6");
                assertThat(update(connection, "UPDATE users SET name = 'xa " + i + "' WHERE id = 1"))
                        .isEqualTo(1);
                assertThat(value(connection, "SELECT name FROM users WHERE id = 1"))
                        .isEqualTo("xa " + i);
                resource.end(branch, XAResource.TMSUCCESS);
                if (i % 2 == 0) {
                    resource.rollback(branch);
                } else {
                    assertThat(resource.prepare(branch)).isEqualTo(XAResource.XA_OK);
                    resource.commit(branch, false);
                }
                assertThat(value(connection, "SELECT doubled(1)")).isEqualTo("2");
            }
            connection.setAutoCommit(true);
            assertThat(update(connection, "INSERT INTO users VALUES (200, 'alone')"))
                    .isEqualTo(1);
        }
        managed.close();
        assertThat(database.rows("SELECT id, name FROM users WHERE id = 1 OR id > 20 ORDER BY id"))
                .containsExactly("1|xa 3", "101|xa", "103|xa", "200|alone");
    }

    @ParameterizedTest
    @ValueSource(strings = {"session", "statement"})
    void a_transaction_is_prepared_in_sql(String fence) throws Exception {
        try (Backstop backstop = FencedGuard.of(folder, fence);
                Connection connection = backstop.guard(database.connect())) {
            for (boolean autoCommit : new boolean[] {true, false}) {
                connection.setAutoCommit(autoCommit);
                for (String end : List.of("COMMIT", "ROLLBACK")) {
                    int id = (autoCommit ? 300 : 400) + end.length();
                    if (autoCommit) {
                        update(connection, "BEGIN");
                    }
                    assertThat(value(connection, "SELECT doubled(id) FROM users WHERE id = 2"))
                            .isEqualTo("4");
                    update(connection, "INSERT INTO users VALUES (" + id + ", '" + end + "')");
                    assertThat(value(connection, "SELECT doubled(id) FROM users WHERE id = 2"))
                            .isEqualTo("4");
                    update(connection, "PREPARE TRANSACTION 'told in SQL'");
                    connection.setAutoCommit(true);
                    assertThat(value(connection, "SELECT count(*) FROM users WHERE id = " + id))
                            .isEqualTo("0");
                    update(connection, end + " PREPARED 'told in SQL'");
                    assertThat(value(connection, "SELECT count(*) FROM users WHERE id = " + id))
                            .isEqualTo(end.equals("COMMIT") ? "1" : "0");
                    connection.setAutoCommit(autoCommit);
                    assertThat(value(connection, "SELECT doubled(id) FROM users WHERE id = 2"))
                            .isEqualTo("4");
                    assertThat(update(connection, "UPDATE users SET name = 'b' WHERE id = 2"))
                            .isEqualTo(1);
                    if (!autoCommit) {
                        connection.commit();
                    }
                }
            }
        }
    }

    /** Its end is another session's, long after the count. */
    @ParameterizedTest
    @ValueSource(strings = {"session", "statement"})
    void a_prepare_in_one_text_with_a_counted_write_is_refused(String fence) throws Exception {
        try (Backstop backstop = FencedGuard.of(folder, fence);
                Connection connection = backstop.guard(database.connect())) {
            assertThatThrownBy(() -> update(
                            connection, "BEGIN; DELETE FROM users WHERE id < 5; PREPARE TRANSACTION 'in one text'"))
                    .isInstanceOf(SQLException.class)
                    .hasMessageContaining("send the statements one at a time");
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("20");
        assertThat(database.value("SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()"))
                .isEqualTo("0");
    }
}
