package io.backstop.jdbc.analysis;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Random;

import static org.assertj.core.api.Assertions.assertThat;

/** Whatever changes rows on a real server was never called SAFE, and what empties a table was called CRITICAL. */
@ExtendWith(PostgresExtension.class)
class ServerFuzzTest {
    private static final int STATEMENTS = 4_000;
    private final Random random = new Random(20261122);
    private final SqlAnalyzer analyzer = SqlAnalyzer.create();

    @Test
    void nothing_that_changes_rows_is_called_safe(TestDatabase database) throws SQLException {
        database.run(
                "CREATE TABLE t (a int PRIMARY KEY, b text)",
                "CREATE TABLE u (a int, b text)",
                "INSERT INTO t SELECT i, 'x' FROM generate_series(1, 5) i",
                "INSERT INTO u SELECT i, 'y' FROM generate_series(1, 4) i");
        int ran = 0;
        int changed = 0;
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            for (int i = 0; i < STATEMENTS; i++) {
                String sql = spaced(statement());
                RiskLevel risk = analyzer.assess(sql).risk();
                long before = changes(statement);
                try {
                    statement.execute(sql);
                    ran++;
                    if (changes(statement) != before) {
                        changed++;
                        assertThat(risk).as(sql).isNotEqualTo(RiskLevel.SAFE);
                    }
                    // Two changes that are narrowed each can empty a table together; those return rows.
                    if (!sql.contains("RETURNING") && emptied(statement)) {
                        assertThat(risk).as(sql).isEqualTo(RiskLevel.CRITICAL);
                    }
                } catch (SQLException e) {
                    // Not every generated statement is one; those that are not change nothing.
                    assertThat(e.getSQLState()).isNotNull();
                }
                connection.rollback();
            }
        }
        assertThat(ran).isGreaterThan(STATEMENTS / 2);
        assertThat(changed).isGreaterThan(STATEMENTS / 8);
    }

    /** The rows that this session has changed so far; a rollback does not take them back, and TRUNCATE is not among them. */
    private static long changes(Statement statement) throws SQLException {
        return value(statement, "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables");
    }

    private static boolean emptied(Statement statement) throws SQLException {
        return value(statement, "SELECT count(*) FROM t") == 0 || value(statement, "SELECT count(*) FROM u") == 0;
    }

    private static long value(Statement statement, String sql) throws SQLException {
        try (ResultSet result = statement.executeQuery(sql)) {
            result.next();
            return result.getLong(1);
        }
    }

    private String pick(String... choices) {
        return choices[random.nextInt(choices.length)];
    }

    private String statement() {
        return switch (random.nextInt(10)) {
            case 0 ->
                "EXPLAIN " + pick("", "ANALYZE ", "(ANALYZE) ", "(ANALYZE off) ", "(COSTS off, ANALYZE 1) ", "VERBOSE ")
                        + modifying();
            case 1 -> "PREPARE p AS " + modifying();
            case 2 -> "DECLARE c CURSOR FOR " + query(2);
            case 3 -> pick("TRUNCATE t", "TRUNCATE TABLE ONLY u, t", "CREATE TABLE v AS " + query(1), "TABLE t");
            case 4 -> query(3);
            default -> modifying();
        };
    }

    private String modifying() {
        String with = random.nextInt(3) == 0 ? "WITH w AS (" + plain() + " RETURNING *) " : "";
        return switch (random.nextInt(3)) {
            case 0 -> with + plain();
            case 1 -> with + (with.isEmpty() ? query(2) : "SELECT * FROM w");
            default -> with + plain() + " RETURNING " + pick("1", "*", "a AS \"where\"");
        };
    }

    private String plain() {
        return switch (random.nextInt(5)) {
            case 0 ->
                "INSERT INTO " + pick("t", "t AS x") + " (a, b) "
                        + pick("VALUES (9, 'z')", "SELECT a + 10, b FROM u", "(SELECT 7, 'q')");
            case 1 -> "INSERT INTO t VALUES (1, 'w') ON CONFLICT (a) DO UPDATE SET b = 'DELETE'";
            case 2 ->
                "UPDATE " + pick("t", "ONLY t", "t AS y") + " SET b = "
                        + pick("'where true'", "b || '1'", "(SELECT max(b) FROM u)") + where();
            case 3 ->
                "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN "
                        + pick("DELETE", "UPDATE SET b = u.b", "DO NOTHING");
            default -> "DELETE FROM " + pick("t", "ONLY t", "t AS y", "public.t") + where();
        };
    }

    private String where() {
        return switch (random.nextInt(4)) {
            case 0 -> "";
            case 1 ->
                " WHERE " + pick("true", "1 = 1", "a > 3 OR true", "NOT false", "'x' = 'x'", "(1 < 2)", "a = a", "'t'");
            default -> " WHERE " + pick("a = 1", "a > 3", "a IN (1, 2)", "b = 'or true'", "false", "a = 1 AND true");
        };
    }

    private String query(int depth) {
        if (depth == 0) {
            return pick(
                    "SELECT 1 AS a",
                    "SELECT a FROM t",
                    "VALUES (1), (2)",
                    "SELECT 'DELETE FROM t' AS a",
                    "SELECT 1 AS delete");
        }
        return switch (random.nextInt(5)) {
            case 0 -> "SELECT * FROM (" + query(depth - 1) + ") s";
            case 1 -> "SELECT (SELECT count(*) FROM (" + query(depth - 1) + ") s), $$;DROP TABLE t$$";
            case 2 -> "(" + query(depth - 1) + ") UNION ALL (" + query(depth - 1) + ")";
            case 3 -> "WITH q AS " + pick("", "MATERIALIZED ") + "(" + query(depth - 1) + ") SELECT * FROM q";
            default -> query(depth - 1);
        };
    }

    /** The same words, written differently. */
    private String spaced(String sql) {
        return switch (random.nextInt(4)) {
            case 0 -> sql.replace(" ", " /* ; -- */ ");
            case 1 -> sql.replace(" ", "\n\t");
            case 2 -> "-- '\n" + sql + " /* /* */ */;";
            default -> sql;
        };
    }
}
