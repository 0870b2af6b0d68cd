package io.backstop.jdbc;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** What names something that does not exist is answered by the server, with its SQLSTATE and in its words. */
@Sampled
@ExtendWith(PostgresExtension.class)
class NamesThatDoNotExistTest {
    private static final List<String> STATEMENTS = List.of(
            "EXECUTE nosuch",
            "EXECUTE nosuch(1)",
            "DEALLOCATE nosuch",
            "FETCH ALL FROM nosuch",
            "MOVE FORWARD 1 FROM nosuch",
            "CLOSE nosuch",
            "ROLLBACK TO SAVEPOINT nosuch",
            "RELEASE SAVEPOINT nosuch",
            "SET ROLE nosuch",
            "SET SESSION AUTHORIZATION nosuch",
            "SELECT * FROM nosuch",
            "SELECT nosuch()",
            "SELECT nosuch.f()",
            "SELECT 1::nosuch",
            "SELECT nosuch FROM pg_class",
            "SELECT nosuch.x FROM pg_class",
            "SELECT * FROM nosuch.nosuch",
            "INSERT INTO nosuch VALUES (1)",
            "UPDATE nosuch SET a = 1",
            "UPDATE nosuch SET a = 1 WHERE id = 1",
            "DELETE FROM nosuch",
            "DELETE FROM nosuch WHERE id = 1",
            "DELETE FROM nosuch WHERE CURRENT OF nosuch",
            "UPDATE nosuch SET a = 1 WHERE CURRENT OF nosuch",
            "UPDATE there SET a = 1 WHERE CURRENT OF nosuch",
            "DELETE FROM there WHERE CURRENT OF nosuch",
            "DELETE FROM there WHERE nosuch = 1",
            "UPDATE there SET nosuch = 1",
            "INSERT INTO there (nosuch) VALUES (1)",
            "INSERT INTO there SELECT nosuch()",
            "UPDATE there SET a = nosuch(a) WHERE a = 1",
            "DELETE FROM there WHERE a = 'x'::nosuch",
            "MERGE INTO nosuch USING there ON true WHEN MATCHED THEN DELETE",
            "MERGE INTO there USING nosuch ON true WHEN MATCHED THEN DELETE",
            "TRUNCATE nosuch",
            "TRUNCATE there, nosuch",
            "LOCK TABLE nosuch",
            "COPY nosuch FROM STDIN",
            "COPY nosuch TO STDOUT",
            "CALL nosuch()",
            "DO 'BEGIN PERFORM nosuch(); END'",
            "EXPLAIN SELECT * FROM nosuch",
            "EXPLAIN ANALYZE DELETE FROM nosuch",
            "EXPLAIN ANALYZE EXECUTE nosuch",
            "EXPLAIN EXECUTE nosuch",
            "CREATE TABLE made AS EXECUTE nosuch",
            "PREPARE p AS SELECT * FROM nosuch",
            "PREPARE p AS DELETE FROM nosuch WHERE a = 1",
            "DECLARE c CURSOR FOR SELECT * FROM nosuch",
            "DECLARE c CURSOR FOR SELECT nosuch()",
            "SELECT * FROM there FOR UPDATE OF nosuch",
            "SELECT * FROM nosuch FOR UPDATE",
            "SELECT nextval('nosuch')",
            "SELECT setval('nosuch', 1)",
            "SELECT currval('nosuch')",
            "SELECT 'nosuch'::regclass",
            "SELECT 'nosuch'::regtype",
            "SELECT 'nosuch()'::regprocedure",
            "SELECT pg_advisory_lock(nosuch)",
            "SHOW nosuch",
            "SET nosuch = 1",
            "SET nosuch.a = 1",
            "RESET nosuch",
            "SELECT current_setting('nosuch')",
            "SELECT set_config('nosuch', 'x', false)",
            "DROP TABLE nosuch",
            "DROP TABLE nosuch CASCADE",
            "DROP TABLE there, nosuch",
            "DROP VIEW nosuch",
            "DROP MATERIALIZED VIEW nosuch",
            "DROP SEQUENCE nosuch",
            "DROP SEQUENCE nosuch CASCADE",
            "DROP INDEX nosuch",
            "DROP INDEX CONCURRENTLY nosuch",
            "DROP FUNCTION nosuch()",
            "DROP FUNCTION nosuch() CASCADE",
            "DROP TYPE nosuch",
            "DROP TYPE nosuch CASCADE",
            "DROP DOMAIN nosuch",
            "DROP SCHEMA nosuch",
            "DROP SCHEMA nosuch CASCADE",
            "DROP EXTENSION nosuch",
            "DROP ROLE nosuch",
            "DROP DATABASE nosuch",
            "DROP TABLESPACE nosuch",
            "DROP OWNED BY nosuch",
            "DROP TRIGGER nosuch ON there",
            "DROP TRIGGER nosuch ON nosuch",
            "DROP POLICY nosuch ON there",
            "DROP RULE nosuch ON there",
            "DROP FOREIGN TABLE nosuch",
            "DROP SERVER nosuch",
            "DROP PUBLICATION nosuch",
            "DROP SUBSCRIPTION nosuch",
            "DROP CAST (nosuch AS int)",
            "ALTER TABLE nosuch ADD a int",
            "ALTER TABLE nosuch DROP COLUMN a",
            "ALTER TABLE there DROP COLUMN nosuch",
            "ALTER TABLE there DROP CONSTRAINT nosuch",
            "ALTER TABLE there ALTER nosuch TYPE text",
            "ALTER TABLE there ADD b nosuch",
            "ALTER TABLE there RENAME nosuch TO b",
            "ALTER TABLE there OWNER TO nosuch",
            "ALTER TABLE there ALTER a TYPE nosuch",
            "ALTER SEQUENCE nosuch RESTART",
            "ALTER FUNCTION nosuch() STABLE",
            "ALTER TYPE nosuch ADD VALUE 'a'",
            "ALTER TYPE nosuch DROP ATTRIBUTE a",
            "ALTER DOMAIN nosuch DROP NOT NULL",
            "ALTER ROLE nosuch LOGIN",
            "ALTER DATABASE nosuch SET work_mem = '4MB'",
            "ALTER VIEW nosuch RENAME TO b",
            "ALTER INDEX nosuch RENAME TO b",
            "ALTER SCHEMA nosuch RENAME TO b",
            "CREATE TABLE made (a nosuch)",
            "CREATE TABLE nosuch.made (a int)",
            "CREATE TABLE made (LIKE nosuch)",
            "CREATE TABLE made AS SELECT * FROM nosuch",
            "CREATE TEMP TABLE made AS SELECT * FROM nosuch",
            "CREATE VIEW made AS SELECT * FROM nosuch",
            "CREATE MATERIALIZED VIEW made AS SELECT * FROM nosuch",
            "CREATE INDEX ON nosuch (a)",
            "CREATE INDEX CONCURRENTLY ON nosuch (a)",
            "CREATE INDEX ON there (nosuch)",
            "CREATE TRIGGER made AFTER INSERT ON nosuch EXECUTE FUNCTION nosuch()",
            "CREATE TRIGGER made AFTER INSERT ON there EXECUTE FUNCTION nosuch()",
            "CREATE FUNCTION made() RETURNS nosuch LANGUAGE sql AS ''",
            "CREATE FUNCTION made() RETURNS int LANGUAGE nosuch AS ''",
            "CREATE FUNCTION made() RETURNS int LANGUAGE sql AS 'SELECT nosuch()'",
            "CREATE EXTENSION nosuch",
            "REFRESH MATERIALIZED VIEW nosuch",
            "REFRESH MATERIALIZED VIEW CONCURRENTLY nosuch",
            "REINDEX TABLE nosuch",
            "REINDEX TABLE CONCURRENTLY nosuch",
            "VACUUM nosuch",
            "ANALYZE nosuch",
            "CLUSTER nosuch",
            "CLUSTER there USING nosuch",
            "COMMENT ON TABLE nosuch IS ''",
            "GRANT SELECT ON nosuch TO PUBLIC",
            "GRANT SELECT ON there TO nosuch",
            "GRANT nosuch TO CURRENT_USER",
            "REVOKE SELECT ON nosuch FROM PUBLIC",
            "REASSIGN OWNED BY nosuch TO CURRENT_USER",
            "COMMIT PREPARED 'nosuch'",
            "ROLLBACK PREPARED 'nosuch'",
            "LISTEN nosuch",
            "UNLISTEN nosuch",
            "NOTIFY nosuch",
            "LOAD 'nosuch'",
            "SET CONSTRAINTS nosuch DEFERRED",
            "SET search_path = nosuch",
            "SET TRANSACTION SNAPSHOT 'nosuch'",
            "SELECT lo_unlink(999999)",
            "SELECT lo_get(999999)",
            "SELECT loread(99, 1)",
            "SELECT pg_get_viewdef('nosuch')",
            "SELECT * FROM there TABLESAMPLE nosuch (1)",
            "WITH x AS (DELETE FROM nosuch RETURNING *) SELECT * FROM x",
            "SECURITY LABEL ON TABLE there IS 'x'",
            "IMPORT FOREIGN SCHEMA nosuch FROM SERVER nosuch INTO public");

    private TestDatabase database;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE there (a int)",
                "INSERT INTO there VALUES (1)");
    }

    @ParameterizedTest
    @CsvSource({
        "application, preferQueryMode=extended",
        "application, preferQueryMode=simple",
        "application, preferQueryMode=extendedCacheEverything",
        "application, autosave=conservative",
        "application, autosave=always",
        "strict, preferQueryMode=extended",
        "strict, preferQueryMode=simple"
    })
    void the_answer_is_that_of_the_server(String policy, String parameters, @TempDir Path folder) throws Exception {
        String url = database.url() + "&" + parameters;
        Path strict = Files.writeString(folder.resolve("strict.json"), "{\"max_blocked_attempts_per_window\": 0}");
        List<String> differences = new ArrayList<>();
        try (Backstop backstop = Backstop.builder()
                        .policy(policy.equals("strict") ? strict.toString() : policy)
                        .snapshots(new FakeSnapshots())
                        .control(folder.resolve("backstop.db"))
                        .build();
                Connection bare = DriverManager.getConnection(url);
                Connection guarded = backstop.guard(DriverManager.getConnection(url))) {
            for (String sql : STATEMENTS) {
                for (boolean autoCommit : new boolean[] {true, false}) {
                    String expected = answer(bare, sql, autoCommit);
                    String answer = answer(guarded, sql, autoCommit);
                    if (!answer.equals(expected) && !refused(policy, sql, answer)) {
                        differences.add(sql + "\n  is answered: " + expected + "\n  but behind the guard: " + answer);
                    }
                }
            }
        }
        assertThat(differences).isEmpty();
    }

    /** By the policy, which may refuse what it does not let run whether it names something or not. */
    private static boolean refused(String policy, String sql, String answer) {
        return switch (answer.substring(0, 5)) {
            case "ZB001" -> SqlAnalyzer.create().assess(sql).risk() == RiskLevel.CRITICAL;
            case "ZB002" ->
                policy.equals("strict")
                        && SqlAnalyzer.create().assess(sql).risk().atLeast(RiskLevel.HIGH);
            default -> false;
        };
    }

    private static String answer(Connection connection, String sql, boolean autoCommit) throws SQLException {
        connection.setAutoCommit(autoCommit);
        try {
            if (!autoCommit) {
                send(connection, "SELECT 1");
            }
            send(connection, sql);
            return "00000 done";
        } catch (SQLException e) {
            return e.getSQLState() + " " + e.getMessage();
        } finally {
            if (!autoCommit) {
                connection.rollback();
                connection.setAutoCommit(true);
            }
        }
    }

    private static void send(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
