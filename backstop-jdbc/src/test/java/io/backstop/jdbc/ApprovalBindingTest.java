package io.backstop.jdbc;

import io.backstop.api.approval.ApprovalState;
import io.backstop.api.approval.ExpectedImpact;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.policy.Policy;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

/** An approval that was given for one thing serves no other, whatever the session does in between. */
@ExtendWith(PostgresExtension.class)
class ApprovalBindingTest {
    @TempDir
    private Path folder;

    private final FakeSnapshots snapshots = new FakeSnapshots();
    private TestDatabase database;
    private SqlControlStore store;
    private Backstop backstop;
    private Connection plain;
    private Connection connection;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP TABLE IF EXISTS users, orders",
                "CREATE TABLE users (id int PRIMARY KEY, since date)",
                "CREATE TABLE orders (id int PRIMARY KEY)",
                "INSERT INTO users SELECT n, date '2020-01-02' FROM generate_series(1, 10) AS n",
                "INSERT INTO orders SELECT n FROM generate_series(1, 10) AS n");
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
        backstop = Backstop.builder()
                .control(store)
                .snapshots(snapshots)
                .agentId("agent")
                .build();
        plain = database.connect();
        connection = backstop.guard(plain);
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        backstop.close();
    }

    private void execute(String sql) throws SQLException {
        execute(connection, sql);
    }

    private static void execute(Connection on, String sql) throws SQLException {
        try (Statement statement = on.createStatement()) {
            statement.execute(sql);
        }
    }

    private void approved(String sql) throws SQLException {
        String id = catchThrowableOfType(ApprovalRequiredException.class, () -> execute(sql))
                .approvalId();
        store.approvals().decide(id, true, "ops");
    }

    private void assertHeldAnew(String sql) throws SQLException {
        assertThatThrownBy(() -> execute(sql)).isInstanceOf(ApprovalRequiredException.class);
        assertThat(store.approvals().list(ApprovalState.PENDING)).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SET DateStyle = 'ISO, DMY'",
                "SET TimeZone = 'Pacific/Kiritimati'",
                "SET IntervalStyle = 'sql_standard'",
                "SET transform_null_equals = on",
                "SET array_nulls = off",
                "SET xmloption = document",
                "SET default_text_search_config = 'pg_catalog.german'",
                "SET bytea_output = 'escape'",
                "SET extra_float_digits = 0",
                "SET xmlbinary = 'hex'",
                "SET quote_all_identifiers = on",
                "SET backslash_quote = off",
                "SET lc_messages = 'C'",
                "SET lc_numeric = 'C'",
                "SET gin_fuzzy_search_limit = 5",
                "SET default_tablespace = 'pg_default'",
                "SET default_table_access_method = 'heap'",
                "SET temp_tablespaces = 'pg_default'",
                "SET check_function_bodies = off",
                "SET work_mem = '64kB'",
                "SET plpgsql.variable_conflict = 'use_column'",
                "SET pg_trgm.similarity_threshold = 0",
            })
    void a_setting_that_changes_what_values_mean_needs_an_approval_of_its_own(String setting) throws SQLException {
        String sql = "TRUNCATE users";
        approved(sql);
        execute(plain, setting);
        assertHeldAnew(sql);
    }

    @Test
    void every_switch_of_a_session_is_bound_but_a_few_that_change_no_rows() throws SQLException {
        String sql = "TRUNCATE users";
        approved(sql);
        String harmless = "^(log|track)_|^debug_pr|^wal_|^update_process_title$|transaction_(read_only|deferrable)$";
        List<String> unbound = new ArrayList<>();
        for (String name : switches(harmless)) {
            execute(
                    plain,
                    "SELECT set_config(name, CASE setting WHEN 'on' THEN 'off' ELSE 'on' END, false)"
                            + " FROM pg_settings WHERE name = '" + name + "'");
            String message = String.valueOf(catchThrowableOfType(ApprovalRequiredException.class, () -> execute(sql))
                    .getMessage());
            if (!message.contains("does not fit: other values of " + name)) {
                unbound.add(name);
            }
            execute(plain, "RESET " + name);
        }
        assertThat(unbound).isEmpty();
    }

    /** Those that this session lists: where the library of a language is loaded, its own too. */
    private List<String> switches(String harmless) throws SQLException {
        List<String> names = new ArrayList<>();
        try (Statement statement = plain.createStatement();
                ResultSet rows = statement.executeQuery("SELECT name FROM pg_settings WHERE vartype = 'bool'"
                        + " AND context IN ('user', 'superuser') AND name <> 'standard_conforming_strings'"
                        + " AND name !~ '" + harmless + "'")) {
            while (rows.next()) {
                names.add(rows.getString(1));
            }
        }
        return names;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SET application_name = 'another'",
                "SET statement_timeout = '1h'",
                "SET lock_timeout = '1min'",
                "SET client_min_messages = 'debug1'",
                "SET log_min_duration_statement = 0",
                "SET synchronous_commit = off",
                "SET default_transaction_isolation = 'read committed'",
                "DO 'BEGIN END'",
            })
    void what_was_approved_serves_under_a_setting_that_changes_no_rows(String setting) throws SQLException {
        String sql = "TRUNCATE users";
        approved(sql);
        execute(plain, setting);
        execute(sql);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("0");
    }

    @Test
    void a_setting_that_is_set_back_serves_again() throws SQLException {
        String sql = "TRUNCATE users";
        approved(sql);
        execute("SET bytea_output = 'escape'");
        assertHeldAnew(sql);
        execute("RESET bytea_output");
        execute(sql);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("0");
    }

    static Stream<Arguments> changes() {
        return Stream.of(
                arguments("SET TimeZone = 'Pacific/Kiritimati'", "other values of TimeZone"),
                arguments("SET ROLE pg_monitor", "the role is pg_monitor now"),
                arguments("SET search_path = public, pg_temp", "search_path is public, pg_temp now"),
                arguments("replaced", "the tables it reaches or the code it runs have changed"));
    }

    @ParameterizedTest
    @MethodSource("changes")
    void a_request_says_why_the_approval_of_the_same_statement_does_not_serve(String change, String why)
            throws SQLException {
        String sql = "TRUNCATE users";
        approved(sql);
        String id = store.approvals().list(ApprovalState.APPROVED).get(0).id();
        if (change.equals("replaced")) {
            database.run("DROP TABLE users", "CREATE TABLE users (id int)");
        } else {
            execute(plain, change);
        }
        assertThatThrownBy(() -> execute(sql))
                .isInstanceOf(ApprovalRequiredException.class)
                .hasMessageContaining("the approval " + id + " of the same statement does not fit: " + why);
        assertThatThrownBy(() -> execute("TRUNCATE users, users"))
                .isInstanceOf(ApprovalRequiredException.class)
                .message()
                .doesNotContain("does not fit");
    }

    @Test
    void the_same_settings_in_another_session_serve() throws SQLException {
        approved("TRUNCATE users");
        try (Connection other = backstop.guard(database.connect())) {
            execute(other, "TRUNCATE users");
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("0");
    }

    @Test
    void what_was_approved_for_a_temporary_table_does_not_serve_for_the_one_that_it_hid() throws SQLException {
        execute("CREATE TEMP TABLE users (id int)");
        approved("DELETE FROM users");
        execute("DISCARD TEMP");
        assertHeldAnew("DELETE FROM users");
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("10");
    }

    @Test
    void what_was_approved_for_a_table_does_not_serve_for_another_that_got_its_name() throws SQLException {
        approved("DROP TABLE orders");
        database.run(
                "ALTER TABLE orders RENAME TO old_orders",
                "ALTER TABLE users RENAME TO orders",
                "DROP TABLE old_orders");
        assertHeldAnew("DROP TABLE orders");
        assertThat(database.value("SELECT count(*) FROM orders")).isEqualTo("10");
    }

    @Test
    void what_was_approved_behind_a_snapshot_does_not_serve_where_none_is_taken() throws Exception {
        approved("TRUNCATE users");
        Policy uncovered = new io.backstop.jdbc.policy.PolicyReader()
                .read("{\"require_recovery_for_critical\": false, \"snapshot_mode\": \"off\"}", "uncovered");
        try (Backstop other = Backstop.builder()
                        .control(folder.resolve("backstop.db"))
                        .policy(uncovered)
                        .agentId("agent")
                        .build();
                Connection unsafe = other.guard(database.connect())) {
            assertThatThrownBy(() -> execute(unsafe, "TRUNCATE users")).isInstanceOf(ApprovalRequiredException.class);
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("10");
    }

    @Test
    void a_batch_is_another_thing_than_one_text_of_the_same_statements() throws SQLException {
        List<String> texts = List.of("DELETE FROM users", "DELETE FROM orders");
        String joined = String.join(";\n", texts);
        try (Statement batch = connection.createStatement()) {
            for (String text : texts) {
                batch.addBatch(text);
            }
            String id = catchThrowableOfType(ApprovalRequiredException.class, () -> BatchRefusal.execute(batch))
                    .approvalId();
            store.approvals().decide(id, true, "ops");
        }
        assertHeldAnew(joined);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("10");
    }

    @Test
    void a_batch_of_one_row_of_values_is_another_thing_than_one_execution() throws SQLException {
        try (PreparedStatement update =
                connection.prepareStatement("UPDATE users SET since = NULL WHERE id < ? OR true")) {
            update.setInt(1, 3);
            update.addBatch();
            String id = catchThrowableOfType(ApprovalRequiredException.class, () -> BatchRefusal.execute(update))
                    .approvalId();
            store.approvals().decide(id, true, "ops");
            update.setInt(1, 3);
            assertThatThrownBy(update::executeUpdate).isInstanceOf(ApprovalRequiredException.class);
            update.addBatch();
            assertThatCode(() -> BatchRefusal.execute(update)).doesNotThrowAnyException();
        }
    }

    @Test
    void asking_for_an_approval_leaves_a_transaction_that_the_caller_can_still_shape() throws SQLException {
        connection.setAutoCommit(false);
        assertThatThrownBy(() -> execute("TRUNCATE users")).isInstanceOf(ApprovalRequiredException.class);
        execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
        connection.rollback();
        connection.setAutoCommit(true);
    }

    @Test
    void a_request_tells_what_the_catalog_says_the_statement_reaches() throws SQLException {
        database.run(
                "DROP TABLE IF EXISTS items",
                "CREATE TABLE items (id int, order_id int CONSTRAINT items_of_order REFERENCES orders ON DELETE CASCADE)",
                "ANALYZE orders");
        try {
            assertThatThrownBy(() -> execute("DELETE FROM orders")).isInstanceOf(ApprovalRequiredException.class);
            assertThat(store.approvals()
                            .list(ApprovalState.PENDING)
                            .get(0)
                            .request()
                            .impact()
                            .tables())
                    .containsExactly(
                            new ExpectedImpact.Table("public.orders", 10, ""),
                            new ExpectedImpact.Table("public.items", -1, "foreign key items_of_order"));
        } finally {
            database.run("DROP TABLE items");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "UPDATE orders SET id = made(id) WHERE id = 1"
                        + " | CREATE OR REPLACE FUNCTION made(n int) RETURNS int LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM users; RETURN n; END'",
                "SELECT made(id) FROM orders WHERE id = 1 FOR UPDATE"
                        + " | CREATE OR REPLACE FUNCTION made(n int) RETURNS int LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM users; RETURN n; END'",
                "UPDATE orders SET id = made(id) WHERE id = 1"
                        + " | CREATE RULE more AS ON UPDATE TO orders DO ALSO DELETE FROM users",
            })
    void what_is_replaced_while_the_approved_statement_waits_is_undone(String sql, String definition) throws Exception {
        database.run(
                "CREATE OR REPLACE FUNCTION made(n int) RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN n; END'");
        approved(sql);
        ExecutorService threads = Executors.newSingleThreadExecutor();
        try (Connection other = database.connect()) {
            other.setAutoCommit(false);
            execute(other, "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE");
            execute(other, definition);
            Future<?> waiting = threads.submit(() -> {
                execute(sql);
                return sql;
            });
            while (!waiting.isDone()
                    && database.value("SELECT count(*) FROM pg_locks WHERE NOT granted")
                            .equals("0")) {
                Thread.onSpinWait();
            }
            other.commit();
            assertThatThrownBy(waiting::get).hasCauseInstanceOf(StatementBlockedException.class);
        } finally {
            threads.shutdownNow();
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("10");
    }
}
