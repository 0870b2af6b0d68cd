package io.backstop.jdbc;

import io.backstop.jdbc.policy.PolicyReader;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What Backstop asks about a table itself must change nothing: the server plans that question too, and evaluates for it what
 * the table's statistics, constraints and indexes are made of.
 */
@ExtendWith(PostgresExtension.class)
class OwnQuestionsTest {
    private static final List<String> POLICIES = List.of(
            "{\"require_approval_for_risks\": [\"CRITICAL\"]}",
            "{\"require_approval_for_risks\": [\"CRITICAL\"], \"protected_tables\": [\"precious\"]}",
            "{\"require_approval_for_risks\": [], \"write_budget\": \"none\"}");

    @TempDir
    private Path folder;

    private TestDatabase database;

    /** As a role that cannot switch the server's counters off: what a superuser's runs is refused for that before. */
    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA IF EXISTS public CASCADE",
                "CREATE ROLE asked LOGIN",
                "CREATE SCHEMA public AUTHORIZATION asked");
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE precious AS SELECT generate_series(1, 100) AS id;"
                    + " CREATE TABLE t (id int, v int);"
                    + " INSERT INTO t SELECT n, n FROM generate_series(1, 300) AS n;"
                    + " CREATE FUNCTION counts(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';"
                    + " CREATE STATISTICS made ON (v + counts(77)), v FROM t; ANALYZE t");
        }
    }

    @AfterEach
    void drop() throws SQLException {
        database.run("DROP OWNED BY asked CASCADE", "DROP ROLE asked");
    }

    private Connection connect() throws SQLException {
        return DriverManager.getConnection(database.url().replace("user=postgres", "user=asked"));
    }

    static Stream<List<String>> texts() {
        String insert = "INSERT INTO t VALUES (5000, 1)";
        return Stream.of(
                List.of(insert),
                List.of("BEGIN", insert, "COMMIT"),
                List.of("BEGIN; " + insert + "; COMMIT"),
                List.of("SET my.go = 'soon'", "DELETE FROM t WHERE id IN (1, 2, 3)"),
                List.of("SET my.go = 'soon'", "UPDATE t SET v = 1 WHERE id IN (1, 2, 3)"),
                List.of("BEGIN", "SET my.go = 'soon'", "DELETE FROM t WHERE id IN (1, 2, 3)", "COMMIT"),
                List.of("BEGIN", insert, "SET my.go = 'soon'", "UPDATE t SET v = 1 WHERE id IN (1, 2)", "COMMIT"));
    }

    @ParameterizedTest
    @MethodSource("texts")
    void a_question_about_the_size_of_a_table_runs_no_code_that_changes_rows(List<String> texts) throws Exception {
        database.run("CREATE OR REPLACE FUNCTION counts(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN"
                + " IF $1 = 77 AND current_setting('my.go', true) = 'soon' THEN PERFORM set_config('my.go', '', false);"
                + " ELSIF $1 = 77 THEN DELETE FROM public.precious; END IF; RETURN 1; END$$");
        for (String policy : POLICIES) {
            try (Backstop backstop = Backstop.builder()
                            .policy(new PolicyReader().read(policy, "p"))
                            .snapshots(new FakeSnapshots())
                            .control(folder.resolve("backstop.db"))
                            .build();
                    Connection connection = backstop.guard(connect());
                    Statement statement = connection.createStatement()) {
                for (String sql : texts) {
                    statement.execute(sql);
                }
            } catch (SQLException refused) {
                assertThat(refused.getSQLState()).startsWith("ZB");
            }
            assertThat(database.value("SELECT count(*) FROM precious"))
                    .as(policy)
                    .isEqualTo("100");
        }
    }
}
