package io.backstop.jdbc;

import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** In databases of every kind of encoding, and with bytes that are no text at all, the answers are those of pgjdbc alone. */
@ExtendWith(PostgresExtension.class)
class DatabaseEncodingsTest {
    /** TABLE, COLUMN and TEXT stand for names and a text beyond ASCII. */
    private static final List<String> STATEMENTS = List.of(
            "SELECT 1",
            "SELECT 'TEXT'",
            "SELECT \"COLUMN\", b FROM \"TABLE\" ORDER BY 1",
            "SELECT b FROM \"TABLE\" WHERE b = 'TEXT'",
            "SELECT length(b) FROM plain ORDER BY a",
            "SELECT b FROM plain ORDER BY a",
            "SELECT * FROM plain WHERE a = 1 FOR UPDATE",
            "INSERT INTO \"TABLE\" VALUES (9, 'TEXT')",
            "INSERT INTO plain SELECT a + 10, b FROM plain",
            "UPDATE \"TABLE\" SET b = 'TEXT' WHERE \"COLUMN\" = 3",
            "UPDATE plain SET b = 'y' WHERE a = 1",
            "DELETE FROM \"TABLE\" WHERE \"COLUMN\" = 3",
            "DELETE FROM plain WHERE a = 1",
            "SELECT '€𝄞'",
            "INSERT INTO \"TABLE\" VALUES (9, '€𝄞')",
            "SELECT * FROM \"view TABLE\" ORDER BY 1",
            "SELECT \"look TABLE\"()",
            "SELECT \"write TABLE\"()",
            "SELECT 'x'::\"domain TABLE\"",
            "SELECT 'TEXT'::\"domain TABLE\"",
            "CREATE TEMP TABLE \"other TABLE\" (a int)",
            "CREATE TABLE \"new TABLE\" (\"COLUMN\" int)",
            "DROP VIEW \"view TABLE\"",
            "DROP DOMAIN \"domain TABLE\" CASCADE",
            "SELECT * FROM \"no TABLE\"",
            "SELECT \"no TABLE\"()",
            "SELECT nextval('nosuch')");

    private TestDatabase server;
    private String url;

    @TempDir
    private Path folder;

    @BeforeEach
    void find(TestDatabase database) {
        server = database;
        url = database.url().replaceFirst("/[^/?]+([?]|$)", "/of_encoding$1");
    }

    @AfterEach
    void drop() throws SQLException {
        server.run("DROP DATABASE IF EXISTS of_encoding WITH (FORCE)");
    }

    private TestDatabase create(String encoding) throws SQLException {
        drop();
        server.run("CREATE DATABASE of_encoding TEMPLATE template0 ENCODING '" + encoding + "' LOCALE 'C'");
        return new TestDatabase(url);
    }

    /** What is no UTF-8 in an SQL_ASCII database: rows, names, bodies, settings of functions. */
    private static void addBytes(TestDatabase database) throws SQLException {
        database.run("INSERT INTO plain VALUES (4, chr(233))");
        for (String definition : List.of(
                "CREATE TABLE \"t~\" (\"c~\" int)",
                "CREATE VIEW \"v~\" AS SELECT * FROM plain",
                "CREATE MATERIALIZED VIEW \"m~\" AS SELECT 1 AS \"~\"",
                "CREATE FUNCTION \"f~\"() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "CREATE FUNCTION body() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1 /* ~ */'",
                "CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; /* ~ */ END'",
                "CREATE TABLE watched (a int)",
                "CREATE TRIGGER \"g~\" BEFORE UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION fires()",
                "CREATE FUNCTION path() RETURNS int STABLE LANGUAGE sql SET search_path = \"s~\" AS 'SELECT 1'",
                "CREATE DOMAIN \"d~\" AS int CHECK (VALUE < length('~'))",
                "CREATE TABLE checked (a int CHECK (body() > 0), b \"d~\")",
                "CREATE POLICY \"p~\" ON \"t~\" USING (true)")) {
            database.run("DO $do$ BEGIN EXECUTE replace($$" + definition + "$$, '~', chr(233)); END $do$");
        }
    }

    private static void fill(TestDatabase database, String table, String column, String text) throws SQLException {
        for (String sql : List.of(
                "CREATE TABLE plain (a int PRIMARY KEY, b text)",
                "INSERT INTO plain SELECT n, 'x' FROM generate_series(1, 3) AS n",
                "CREATE TABLE \"TABLE\" (\"COLUMN\" int PRIMARY KEY, b text)",
                "INSERT INTO \"TABLE\" SELECT n, 'TEXT' FROM generate_series(1, 5) AS n",
                "CREATE VIEW \"view TABLE\" AS SELECT * FROM \"TABLE\"",
                "CREATE FUNCTION \"look TABLE\"() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1 /* TEXT */'",
                "CREATE FUNCTION \"write TABLE\"() RETURNS int LANGUAGE sql AS"
                        + " 'INSERT INTO plain VALUES (99, ''TEXT'') RETURNING a'",
                "CREATE DOMAIN \"domain TABLE\" AS text CHECK (VALUE <> 'TEXT')")) {
            database.run(named(sql, table, column, text));
        }
    }

    private static String named(String sql, String table, String column, String text) {
        return sql.replace("\"TABLE\"", '"' + table + '"')
                .replace(" TABLE\"", " " + table + '"')
                .replace("\"COLUMN\"", '"' + column + '"')
                .replace("TEXT", text);
    }

    private Backstop guard(String policy) throws Exception {
        return Backstop.builder()
                .policy(policy)
                .snapshots(new FakeSnapshots())
                .control(folder.resolve("backstop.db"))
                .build();
    }

    @ParameterizedTest
    @CsvSource({
        "UTF8, false, société, été, café",
        "LATIN1, false, société, été, café",
        "EUC_JP, false, 日本語, 値, 東京",
        "SQL_ASCII, false, société, été, café",
        "SQL_ASCII, true, société, été, café",
        "SQL_ASCII, true, 日本語, 値, 東京"
    })
    void answers_are_those_without_backstop(String encoding, boolean bytes, String table, String column, String text)
            throws Exception {
        TestDatabase database = create(encoding);
        fill(database, table, column, text);
        if (bytes) {
            addBytes(database);
        }
        List<String> differences = new ArrayList<>();
        try (Backstop backstop = guard("application");
                Connection bare = DriverManager.getConnection(url);
                Connection guarded = backstop.guard(DriverManager.getConnection(url))) {
            for (String statement : STATEMENTS) {
                String sql = named(statement, table, column, text);
                String expected = answer(bare, sql);
                String answer = answer(guarded, sql);
                if (!answer.equals(expected)) {
                    differences.add(sql + "\n  is answered: " + expected + "\n  but behind the guard: " + answer);
                }
            }
        }
        assertThat(differences).isEmpty();
    }

    /** In a transaction that is rolled back. */
    private static String answer(Connection connection, String sql) throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            if (!statement.execute(sql)) {
                return "changed " + statement.getUpdateCount();
            }
            List<String> values = new ArrayList<>();
            try (ResultSet rows = statement.getResultSet()) {
                while (rows.next()) {
                    values.add(rows.getString(1));
                }
            }
            return values.toString();
        } catch (SQLException e) {
            return e.getSQLState() + " " + e.getMessage();
        } finally {
            connection.rollback();
            connection.setAutoCommit(true);
        }
    }

    @ParameterizedTest
    @CsvSource({"LATIN1, société", "EUC_JP, 日本語", "SQL_ASCII, société"})
    void code_and_protected_tables_are_known_by_their_names(String encoding, String table) throws Exception {
        TestDatabase database = create(encoding);
        fill(database, table, "id", "x");
        if (encoding.equals("SQL_ASCII")) {
            addBytes(database);
        }
        Path policy = Files.writeString(folder.resolve("policy.json"), "{\"protected_tables\": [\"" + table + "\"]}");
        try (Backstop backstop = guard(policy.toString());
                Connection connection = backstop.guard(DriverManager.getConnection(url));
                Statement statement = connection.createStatement()) {
            for (String sql : List.of(
                    "SELECT \"write " + table + "\"()",
                    "UPDATE \"" + table + "\" SET b = 'y' WHERE id = 1",
                    "DELETE FROM \"view " + table + "\" WHERE id = 1")) {
                assertThatThrownBy(() -> statement.execute(sql))
                        .as(sql)
                        .extracting(e -> ((SQLException) e).getSQLState())
                        .isEqualTo(sql.contains("view") ? "ZB010" : "ZB002");
            }
        }
    }

    /** It may run anything, by a superuser outside of what the server counts. */
    @Test
    void code_that_is_no_text_is_taken_for_the_worst() throws Exception {
        TestDatabase database = create("SQL_ASCII");
        fill(database, "t", "id", "x");
        addBytes(database);
        try (Backstop backstop = guard("application");
                Connection connection = backstop.guard(DriverManager.getConnection(url));
                Statement statement = connection.createStatement()) {
            for (String sql : List.of("SELECT body()", "UPDATE watched SET a = 1 WHERE a = 0")) {
                assertThatThrownBy(() -> statement.execute(sql))
                        .as(sql)
                        .extracting(e -> ((SQLException) e).getSQLState())
                        .isEqualTo("ZB010");
            }
        }
    }
}
