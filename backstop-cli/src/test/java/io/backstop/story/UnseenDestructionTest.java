package io.backstop.story;

import io.backstop.jdbc.Backstop;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/** What goes unseen although rows are counted, what is seen although nobody did it, and what callers come to notice. */
@ExtendWith(PostgresExtension.class)
class UnseenDestructionTest {
    @TempDir
    private Path folder;

    private TestDatabase database;
    private ObjectStore store;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        store = ObjectStores.open(storage());
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE t (id int PRIMARY KEY, k int, v text)",
                "INSERT INTO t SELECT i, i % 10, 'v' || i FROM generate_series(1, 1000) i",
                "CREATE TABLE other (id int)",
                "INSERT INTO other SELECT generate_series(1, 5000)");
    }

    @AfterEach
    void close() {
        store.close();
    }

    private String storage() {
        return folder.resolve("snapshots").toUri().toString();
    }

    private Backstop backstop() throws SQLException {
        return Backstop.builder()
                .policy("application")
                .storage(storage())
                .control(folder.resolve("backstop.db"))
                .build();
    }

    private static String outcome(Statement statement, String sql) {
        try {
            statement.execute(sql);
            return "ok";
        } catch (SQLException e) {
            return e.getSQLState() + " " + e.getMessage();
        }
    }

    private String outcome(String sql) throws SQLException {
        try (Backstop backstop = backstop();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            return outcome(statement, sql);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DO 'BEGIN TRUNCATE other; END'",
                "DO 'BEGIN DROP TABLE other; END'",
                "DO 'BEGIN ALTER TABLE other DROP COLUMN id; END'",
                "SELECT empty_other()",
                "DELETE FROM t WHERE id = 1"
            })
    void what_code_empties_or_drops_at_once_is_refused_or_saved(String sql) throws Exception {
        database.run(
                "CREATE FUNCTION empty_other() RETURNS int LANGUAGE plpgsql AS"
                        + " 'BEGIN TRUNCATE public.other; RETURN 1; END'",
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN TRUNCATE public.other; RETURN OLD; END'",
                "CREATE TRIGGER f BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()");
        String outcome = outcome(sql);
        boolean kept = database.value("SELECT count(*) FROM pg_attribute WHERE attname = 'id' AND NOT attisdropped"
                                + " AND attrelid = to_regclass('other')")
                        .equals("1")
                && database.value("SELECT count(*) FROM other").equals("5000");
        assertThat(kept || !new SnapshotArchive(store).list("public", "other").isEmpty())
                .as("refused or saved, but: " + outcome)
                .isTrue();
    }

    @Test
    void what_others_empty_meanwhile_is_not_the_statements_doing() throws Exception {
        database.run(
                "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN PERFORM pg_catalog.pg_sleep(2); RETURN OLD; END'",
                "CREATE TRIGGER slow BEFORE DELETE ON t FOR EACH STATEMENT EXECUTE FUNCTION slow()");
        CompletableFuture<String> statement = CompletableFuture.supplyAsync(() -> {
            try {
                return outcome("DELETE FROM t");
            } catch (SQLException e) {
                return e.toString();
            }
        });
        while (!statement.isDone()
                && database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                                + " AND datname = current_database()")
                        .equals("0")) {
            Thread.onSpinWait();
        }
        database.run("TRUNCATE other");
        assertThat(statement.get()).isEqualTo("ok");
    }

    @Test
    void a_block_that_commits_runs_as_it_does_without_backstop() throws Exception {
        String block = "DO 'BEGIN INSERT INTO t VALUES (2000, 1, NULL); COMMIT; END'";
        assertThat(outcome(block)).isEqualTo("ok");
    }

    @ParameterizedTest
    @ValueSource(strings = {"DELETE FROM t", "UPDATE t SET id = 2 WHERE id = 3"})
    void a_statement_that_the_server_refuses_ends_the_callers_transaction(String sql) throws Exception {
        database.run("CREATE TABLE child (id int REFERENCES t)", "INSERT INTO child VALUES (5)");
        try (Backstop backstop = backstop();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("INSERT INTO t VALUES (2000, 1, 'before')");
            assertThat(outcome(statement, sql)).startsWith("23");
            outcome(statement, "INSERT INTO t VALUES (2001, 1, 'after')");
            try {
                connection.commit();
            } catch (SQLException e) {
                // as the driver says where the transaction had failed
            }
        }
        assertThat(database.value("SELECT count(*) FROM t WHERE id >= 2000"))
                .as("of a transaction in which a statement failed, the server keeps nothing")
                .isEqualTo("0");
    }

    @Test
    void a_url_that_cannot_be_used_is_not_repeated_with_its_password() {
        String url = "jdbc:backstop:postgresql://localhost:99999/db?user=u&password=open-sesame&backstop.control="
                + folder.resolve("backstop.db");
        assertThat(catchThrowable(() -> DriverManager.getConnection(url).close()))
                .isInstanceOf(SQLException.class)
                .hasMessageNotContaining("open-sesame");
    }
}
