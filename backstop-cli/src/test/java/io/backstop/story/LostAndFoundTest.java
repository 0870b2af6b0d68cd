package io.backstop.story;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.cli.CommandRun;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.S3Extension;
import io.backstop.testing.S3Server;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The whole path: an agent loses rows through the driver, an operator brings them back through the command line. */
@ExtendWith({PostgresExtension.class, S3Extension.class})
class LostAndFoundTest {
    @TempDir
    private Path folder;

    private TestDatabase database;
    private String storage;

    @BeforeEach
    void fill(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        storage = folder.resolve("snapshots").toUri().toString();
        database.run(
                "DROP TABLE IF EXISTS orders, users, users_recovered CASCADE",
                "CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL UNIQUE)",
                "CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users)",
                "CREATE VIEW names AS SELECT name FROM users",
                "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 1000) AS n",
                "INSERT INTO orders SELECT n, n FROM generate_series(1, 1000) AS n");
    }

    private String control() {
        return folder.resolve("backstop.db").toString();
    }

    private Connection agent() throws SQLException {
        return DriverManager.getConnection(database.backstopUrl(
                "backstop.agentId=agent&backstop.control=" + control() + "&backstop.storage=" + storage));
    }

    private String psqlUrl() {
        return database.url().replaceFirst("^jdbc:", "");
    }

    private CommandRun backstop(String... arguments) {
        return CommandRun.of(arguments);
    }

    /** Sends it, has it approved by the command line, and sends it again. */
    private void approvedAndRun(Connection agent, String sql) throws SQLException {
        try (Statement statement = agent.createStatement()) {
            assertThatThrownBy(() -> statement.execute(sql))
                    .isInstanceOfSatisfying(ApprovalRequiredException.class, held -> {
                        CommandRun approval =
                                backstop("approvals", "approve", held.approvalId(), "--control", control());
                        assertThat(approval.exitCode()).isZero();
                    });
            statement.execute(sql);
        }
    }

    private List<String> facts() throws SQLException {
        return database.rows("""
                SELECT 'user', id::text, name FROM users
                UNION ALL SELECT 'order', id::text, user_id::text FROM orders
                UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid)
                    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
                UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
                UNION ALL SELECT 'view', viewname, definition FROM pg_views WHERE schemaname = 'public'
                ORDER BY 1, 2, 3""");
    }

    private void recoverAndCopyBack() throws SQLException {
        CommandRun recovery = backstop("recover", "--db", psqlUrl(), "--storage", storage, "--table", "users");
        assertThat(recovery.exitCode()).as(recovery.errors()).isZero();
        database.run(recovery.output());
    }

    @Test
    void a_dropped_table_is_back_with_everything_that_hung_on_it() throws SQLException {
        List<String> before = facts();
        try (Connection agent = agent()) {
            approvedAndRun(agent, "DROP TABLE users CASCADE");
        }
        assertThat(database.value("SELECT to_regclass('users')")).isEqualTo("null");
        recoverAndCopyBack();
        assertThat(facts()).isEqualTo(before);
    }

    @Test
    void deleted_and_overwritten_rows_are_back() throws SQLException {
        List<String> before = facts();
        try (Connection agent = agent()) {
            approvedAndRun(agent, "DELETE FROM orders");
        }
        assertThat(database.value("SELECT count(*) FROM orders")).isEqualTo("0");
        CommandRun recovery = backstop("recover", "--db", psqlUrl(), "--storage", storage, "--table", "public.orders");
        assertThat(recovery.exitCode()).as(recovery.errors()).isZero();
        database.run(recovery.output(), "DROP TABLE IF EXISTS orders_recovered");
        assertThat(facts()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DROP FOREIGN TABLE far",
                "DROP VIEW over_far; DROP FOREIGN TABLE far",
                "DROP FOREIGN TABLE far CASCADE"
            })
    void the_definition_of_a_dropped_foreign_table_is_back(String sql) throws SQLException {
        String definition =
                "SELECT ftoptions, attname, format_type(atttypid, atttypmod), attfdwoptions FROM pg_foreign_table "
                        + "JOIN pg_attribute ON attrelid = ftrelid AND attnum > 0 WHERE ftrelid = to_regclass('far')";
        database.run(
                "DROP FOREIGN DATA WRAPPER IF EXISTS nowhere CASCADE",
                "CREATE FOREIGN DATA WRAPPER nowhere",
                "CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere",
                "CREATE FOREIGN TABLE far (id int OPTIONS (x 'y'), name varchar(7) NOT NULL) SERVER elsewhere "
                        + "OPTIONS (file 'a')");
        boolean view = !sql.equals("DROP FOREIGN TABLE far");
        if (view) {
            database.run("CREATE VIEW over_far AS SELECT id FROM far");
        }
        List<String> before = database.rows(definition);
        assertThat(before).hasSize(2);
        try (Connection agent = agent()) {
            approvedAndRun(agent, sql);
        }
        assertThat(database.rows(definition)).isEmpty();
        CommandRun recovery = backstop("recover", "--db", psqlUrl(), "--storage", storage, "--table", "far");
        assertThat(recovery.exitCode()).as(recovery.errors()).isZero();
        database.run(recovery.output());
        assertThat(database.rows(definition)).isEqualTo(before);
        assertThat(database.value("SELECT to_regclass('over_far') IS NOT NULL")).isEqualTo(view ? "t" : "f");
    }

    @Test
    void the_same_story_holds_on_s3(S3Server s3) throws SQLException {
        storage = s3.storage(s3.newBucket() + "/prod");
        List<String> before = facts();
        try (Connection agent = agent()) {
            approvedAndRun(agent, "DROP TABLE users CASCADE");
        }
        recoverAndCopyBack();
        assertThat(facts()).isEqualTo(before);
    }

    @Test
    void storage_that_is_lost_between_approval_and_execution_saves_the_table() throws SQLException, IOException {
        try (Connection agent = agent();
                Statement statement = agent.createStatement()) {
            assertThatThrownBy(() -> statement.execute("DROP TABLE users CASCADE"))
                    .isInstanceOfSatisfying(
                            ApprovalRequiredException.class,
                            held -> backstop("approvals", "approve", held.approvalId(), "--control", control()));
            delete(folder.resolve("snapshots"));
            Files.writeString(folder.resolve("snapshots"), "a file where the folder was");
            assertThatThrownBy(() -> statement.execute("DROP TABLE users CASCADE"))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .extracting(e -> ((SQLException) e).getSQLState())
                    .isEqualTo("ZB007");
            assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("1000");
            Files.delete(folder.resolve("snapshots"));
            Files.createDirectory(folder.resolve("snapshots"));
            statement.execute("DROP TABLE users CASCADE");
            assertThat(database.value("SELECT to_regclass('users')")).isEqualTo("null");
        }
    }

    @Test
    void what_a_trigger_would_destroy_at_the_commit_is_noticed_before_it() throws SQLException {
        database.run(
                "CREATE OR REPLACE FUNCTION empty_orders() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM orders; RETURN NULL; END'",
                "CREATE TABLE log (id int)",
                "INSERT INTO log VALUES (1)",
                "CREATE CONSTRAINT TRIGGER late AFTER DELETE ON log DEFERRABLE INITIALLY DEFERRED"
                        + " FOR EACH ROW EXECUTE FUNCTION empty_orders()");
        try (Connection agent = agent()) {
            assertThatThrownBy(() -> approvedAndRun(agent, "DELETE FROM log"))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageContaining("orders");
        }
        assertThat(database.value("SELECT count(*) FROM orders")).isEqualTo("1000");
        assertThat(database.value("SELECT count(*) FROM log")).isEqualTo("1");
        database.run("DROP TABLE log", "DROP FUNCTION empty_orders");
    }

    @Test
    void a_dry_run_in_a_transaction_that_sql_began_is_undone_by_its_rollback() throws SQLException {
        List<String> before = facts();
        try (Connection agent = agent();
                Statement statement = agent.createStatement()) {
            statement.execute("BEGIN");
            statement.execute("UPDATE users SET name = 'dry' WHERE id = 1");
            approvedAndRun(agent, "DELETE FROM orders");
            statement.execute("ROLLBACK");
        }
        assertThat(facts()).isEqualTo(before);
    }

    @Test
    void a_storage_that_cannot_be_written_is_named_by_the_statement_that_needs_it() throws SQLException, IOException {
        Files.writeString(folder.resolve("snapshots"), "a file where the folder should be");
        try (Connection agent = agent()) {
            assertThatThrownBy(() -> approvedAndRun(agent, "DROP TABLE users CASCADE"))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageContaining(folder.resolve("snapshots").toString())
                    .hasMessageContaining("\nHINT: ");
        }
    }

    @Test
    void a_corrupted_chunk_is_refused_before_anything_is_created() throws SQLException, IOException {
        try (Connection agent = agent()) {
            approvedAndRun(agent, "DROP TABLE users CASCADE");
        }
        Path chunk;
        try (Stream<Path> files = Files.walk(folder.resolve("snapshots"))) {
            chunk = files.filter(file -> file.getFileName().toString().startsWith("data-"))
                    .findFirst()
                    .orElseThrow();
        }
        byte[] bytes = Files.readAllBytes(chunk);
        bytes[bytes.length / 2] ^= 1;
        Files.write(chunk, bytes);
        CommandRun recovery = backstop("recover", "--db", psqlUrl(), "--storage", storage, "--table", "users");
        assertThat(recovery.exitCode()).isEqualTo(3);
        assertThat(recovery.errors()).contains(chunk.getFileName().toString()).contains("snap_");
        assertThat(recovery.output()).doesNotContain("ALTER TABLE");
        assertThat(database.value("SELECT count(*) FROM pg_class WHERE relname LIKE 'users%'"))
                .isEqualTo("0");
    }

    private static void delete(Path tree) throws IOException {
        List<Path> files;
        try (Stream<Path> walk = Files.walk(tree)) {
            files = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path file : files) {
            Files.delete(file);
        }
    }
}
