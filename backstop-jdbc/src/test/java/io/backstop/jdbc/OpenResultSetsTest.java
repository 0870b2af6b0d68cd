package io.backstop.jdbc;

import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** Result sets that stay open while other statements run, and statements that close meanwhile, as without Backstop. */
@ExtendWith(PostgresExtension.class)
class OpenResultSetsTest {
    private static final String READ = "SELECT id FROM users ORDER BY id";
    private static final String BY_CATALOG = "SELECT doubled(id) FROM users ORDER BY id";

    @TempDir
    private Path folder;

    private TestDatabase database;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "CREATE FUNCTION doubled(n int) RETURNS int LANGUAGE sql STABLE AS 'SELECT 2 * n'",
                "CREATE FUNCTION users_by_cursor() RETURNS refcursor LANGUAGE plpgsql STABLE AS"
                        + " 'DECLARE c refcursor; BEGIN OPEN c FOR SELECT id FROM users ORDER BY id; RETURN c; END'");
    }

    @AfterEach
    void drop() throws SQLException {
        database.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public");
    }

    private interface Work {
        String on(Connection connection) throws SQLException;
    }

    private void same(String fence, boolean pool, Work work) throws Exception {
        String bare = answer(database.connect(), work);
        try (Backstop backstop = FencedGuard.of(folder, fence)) {
            Connection plain = database.connect();
            assertThat(answer(backstop.guard(pool ? PooledConnections.over(plain) : plain), work))
                    .isEqualTo(bare);
        }
    }

    private String answer(Connection connection, Work work) throws SQLException {
        database.run("TRUNCATE users", "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 9) AS n");
        String answer;
        try (connection) {
            connection.setAutoCommit(false);
            try {
                answer = work.on(connection);
            } catch (SQLException e) {
                answer = "refused: " + e.getSQLState() + " " + e.getMessage();
            }
            connection.rollback();
            connection.setAutoCommit(true);
            try (Statement statement = connection.createStatement()) {
                answer += " then " + statement.executeUpdate("INSERT INTO users VALUES (100, 'afterwards')");
            }
        }
        return answer + " left " + database.rows("SELECT id, name FROM users ORDER BY id");
    }

    private static ResultSet inParts(Statement statement, String sql) throws SQLException {
        statement.setFetchSize(2);
        return statement.executeQuery(sql);
    }

    @ParameterizedTest
    @CsvSource({"session, false", "session, true", "statement, false"})
    void several_are_read_in_turns_beside_writes(String fence, boolean pool) throws Exception {
        same(fence, pool, connection -> {
            List<Object> read = new ArrayList<>();
            try (Statement one = connection.createStatement();
                    Statement two = connection.createStatement();
                    Statement writing = connection.createStatement();
                    ResultSet first = inParts(one, READ);
                    ResultSet second = inParts(two, BY_CATALOG)) {
                while (first.next() && second.next()) {
                    read.add(first.getInt(1) + "/" + second.getInt(1));
                    read.add(writing.executeUpdate("UPDATE users SET name = 'seen' WHERE id = " + first.getInt(1)));
                }
            }
            connection.commit();
            return read.toString();
        });
    }

    @ParameterizedTest
    @CsvSource({"session, false", "session, true", "statement, false"})
    void statements_close_in_the_loop_and_on_completion(String fence, boolean pool) throws Exception {
        same(fence, pool, connection -> {
            List<Object> read = new ArrayList<>();
            try (Statement outer = connection.createStatement();
                    ResultSet rows = inParts(outer, READ)) {
                while (rows.next()) {
                    Statement inner = connection.createStatement();
                    inner.closeOnCompletion();
                    ResultSet detail = inParts(inner, BY_CATALOG + " OFFSET 1");
                    detail.next();
                    read.add(detail.getInt(1));
                    detail.close();
                    read.add(inner.isClosed());
                    ResultSet inserted;
                    try (PreparedStatement insert =
                            connection.prepareStatement("INSERT INTO users VALUES (?, 'copy') RETURNING *")) {
                        insert.setInt(1, 50 + rows.getInt(1));
                        inserted = insert.executeQuery();
                        inserted.next();
                        read.add(inserted.getString(2));
                    }
                    read.add(inserted.isClosed());
                }
            }
            connection.commit();
            return read.toString();
        });
    }

    @ParameterizedTest
    @CsvSource({"session, false", "session, true", "statement, false"})
    void one_ends_with_its_transaction_or_savepoint(String fence, boolean pool) throws Exception {
        for (String end : List.of("commit", "rollback", "savepoint", "again", "failure")) {
            same(fence, pool, connection -> {
                List<Object> read = new ArrayList<>();
                Savepoint savepoint = end.equals("savepoint") ? connection.setSavepoint() : null;
                Statement statement = connection.createStatement();
                ResultSet rows = inParts(statement, BY_CATALOG);
                rows.next();
                read.add(rows.getInt(1));
                switch (end) {
                    case "commit" -> connection.commit();
                    case "rollback" -> connection.rollback();
                    case "savepoint" -> connection.rollback(savepoint);
                    case "again" -> read.add(statement.executeUpdate("DELETE FROM users WHERE id = 9"));
                    default -> {
                        try (Statement failing = connection.createStatement()) {
                            failing.execute("SELECT 1/0");
                        } catch (SQLException e) {
                            read.add(e.getSQLState());
                        }
                    }
                }
                try {
                    while (rows.next()) {
                        read.add(rows.getInt(1));
                    }
                } catch (SQLException e) {
                    read.add(e.getSQLState());
                }
                return read.toString();
            });
        }
    }

    @ParameterizedTest
    @CsvSource({"session, false", "session, true", "statement, false"})
    void a_held_one_and_a_refcursor_are_read_beside_writes(String fence, boolean pool) throws Exception {
        same(fence, pool, connection -> {
            List<Object> read = new ArrayList<>();
            try (Statement held = connection.createStatement(
                            ResultSet.TYPE_FORWARD_ONLY,
                            ResultSet.CONCUR_READ_ONLY,
                            ResultSet.HOLD_CURSORS_OVER_COMMIT);
                    Statement writing = connection.createStatement();
                    ResultSet rows = inParts(held, READ)) {
                while (rows.next()) {
                    read.add(rows.getInt(1));
                    writing.executeUpdate("UPDATE users SET name = 'held' WHERE id = " + rows.getInt(1));
                    connection.commit();
                }
                ResultSet cursors = writing.executeQuery("SELECT users_by_cursor()");
                cursors.next();
                ResultSet byCursor = (ResultSet) cursors.getObject(1);
                try (Statement other = connection.createStatement()) {
                    other.executeUpdate("INSERT INTO users VALUES (60, 'beside')");
                }
                while (byCursor.next()) {
                    read.add(byCursor.getInt(1));
                }
                connection.commit();
            }
            return read.toString();
        });
    }
}
