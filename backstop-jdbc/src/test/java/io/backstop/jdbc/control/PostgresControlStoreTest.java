package io.backstop.jdbc.control;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.audit.AuditRecord;
import io.backstop.api.control.WriteBudgets;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.policy.QuarantineRules;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@ExtendWith(PostgresExtension.class)
class PostgresControlStoreTest extends ControlStoreContract {
    private static TestDatabase database;

    @BeforeAll
    static void use(TestDatabase given) {
        database = given;
    }

    @BeforeEach
    @Override
    void open() throws Exception {
        database.run("DROP SCHEMA IF EXISTS backstop CASCADE");
        super.open();
    }

    @Override
    SqlControlStore another() throws ControlStoreUnavailableException {
        return SqlControlStore.postgresql(database.url(), clock);
    }

    @Override
    Connection plain() throws SQLException {
        Connection connection = database.connect();
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET search_path = backstop");
        }
        return connection;
    }

    @Override
    List<String> takeWriteLock() {
        return List.of("BEGIN", "LOCK TABLE write_turn IN EXCLUSIVE MODE");
    }

    @Test
    void processes_that_come_first_at_once_make_one_store() throws Exception {
        store.close();
        database.run("DROP SCHEMA backstop CASCADE");
        ExecutorService threads = Executors.newFixedThreadPool(6);
        List<SqlControlStore> stores = new ArrayList<>();
        try {
            List<Callable<SqlControlStore>> calls = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                calls.add(this::another);
            }
            for (Future<SqlControlStore> call : threads.invokeAll(calls)) {
                stores.add(call.get());
            }
            stores.get(0).pause().pause("incident", "ops");
            for (SqlControlStore each : stores) {
                assertThat(each.pause().current()).isPresent();
            }
        } finally {
            threads.shutdownNow();
            stores.forEach(SqlControlStore::close);
        }
    }

    @Test
    void a_role_without_rights_reaches_nothing() throws Exception {
        database.run("DROP ROLE IF EXISTS store_agent", "CREATE ROLE store_agent LOGIN PASSWORD 'agent'");
        String url = database.url().replaceFirst("user=[^&]*", "user=store_agent") + "&password=agent";
        assertThatThrownBy(() -> SqlControlStore.postgresql(url))
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessageContaining("role store_agent may not use the schema")
                .hasMessageContaining("\nHINT: ")
                .hasMessageNotContaining("password=");
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("SET ROLE store_agent");
            for (String sql : List.of(
                    "DELETE FROM backstop.pause",
                    "SELECT * FROM backstop.audit",
                    "BEGIN; LOCK TABLE backstop.write_turn IN EXCLUSIVE MODE",
                    "CREATE TABLE backstop.mine ()")) {
                assertThatThrownBy(() -> statement.execute(sql)).as(sql).hasMessageContaining("permission denied");
                statement.execute("ROLLBACK");
            }
        }
    }

    @Test
    void a_store_is_not_made_in_a_schema_of_somebody_elses() throws Exception {
        store.close();
        String role = "store_maker";
        database.run(
                "DROP SCHEMA backstop CASCADE",
                "DROP ROLE IF EXISTS " + role,
                "CREATE ROLE " + role + " LOGIN PASSWORD 'maker'",
                "CREATE SCHEMA backstop",
                "GRANT ALL ON SCHEMA backstop TO " + role);
        String url = database.url().replaceFirst("user=[^&]*", "user=" + role) + "&password=maker";
        try {
            assertThatThrownBy(() -> SqlControlStore.postgresql(url))
                    .isInstanceOf(ControlStoreUnavailableException.class)
                    .hasMessageContaining("belongs to role postgres")
                    .hasMessageContaining("\nHINT: ");
            database.run("ALTER SCHEMA backstop OWNER TO " + role);
            SqlControlStore.postgresql(url).close();
        } finally {
            database.run("DROP OWNED BY " + role + " CASCADE", "DROP ROLE " + role);
        }
    }

    @Test
    void a_schema_that_every_role_may_use_is_refused() throws Exception {
        store.close();
        for (String right : List.of("USAGE", "CREATE")) {
            database.run("GRANT " + right + " ON SCHEMA backstop TO public");
            assertThatThrownBy(this::another)
                    .isInstanceOf(ControlStoreUnavailableException.class)
                    .hasMessageContaining("every role may use that schema")
                    .hasMessageContaining("HINT: REVOKE ALL ON SCHEMA backstop FROM PUBLIC");
            database.run("REVOKE ALL ON SCHEMA backstop FROM PUBLIC");
        }
        another().close();
    }

    /** The role of the handbook, by the statements that are printed there. */
    private static String guardsUrl() throws Exception {
        database.run("DROP ROLE IF EXISTS backstop_guards");
        Path root = Path.of("").toAbsolutePath();
        while (!Files.exists(root.resolve("docs/operate/control-store.md"))) {
            root = Objects.requireNonNull(root.getParent(), "the documentation is in no folder above");
        }
        String page = Files.readString(root.resolve("docs/operate/control-store.md"), StandardCharsets.UTF_8);
        for (String sql : page.substring(page.indexOf("CREATE ROLE backstop_guards"))
                .split("```", 2)[0]
                .split(";", -1)) {
            if (!sql.isBlank()) {
                database.run(sql);
            }
        }
        return database.url().replaceFirst("user=[^&]*", "user=backstop_guards") + "&password=choose%20another";
    }

    @Test
    void the_role_for_guards_can_do_what_guards_do_and_nothing_that_operators_do() throws Exception {
        store.pause().pause("incident", "ops");
        String url = guardsUrl();
        try (SqlControlStore guard = SqlControlStore.postgresql(url, clock)) {
            ApprovalRequest request = ControlStoreContract.request("agent", "aa");
            Approval approval = guard.approvals().open(request, Duration.ofMinutes(1));
            store.approvals().decide(approval.id(), true, "ops");
            assertThat(guard.approvals().consume(approval.id(), request)).isTrue();
            guard.approvals().release(approval.id());
            assertThat(guard.approvals().consume(approval.id(), request)).isTrue();
            guard.approvals().expire(approval.id());
            guard.approvals().invalidate(approval.id(), "flaw");
            guard.audit()
                    .append(store.audit().newest(1).stream()
                            .map(AuditRecord::event)
                            .toList());
            QuarantineRules rules = new QuarantineRules(1, Duration.ofMinutes(10), Duration.ofMinutes(30), false);
            guard.quarantine().refused("agent", "DROP DATABASE shop", rules);
            guard.quarantine().refused("agent", "DROP DATABASE shop", rules);
            assertThat(guard.quarantine().list()).hasSize(1);
            WriteBudgets.Usage usage = guard.budgets()
                    .add("agent", "db", List.of(new WriteBudgets.TableRows(7, 1, 0)), Duration.ofMinutes(1));
            guard.budgets().giveBack(usage.entry());
            guard.budgets().measured("agent", "db", 7, 1_000, Duration.ofMinutes(1));
            assertThat(guard.heartbeats().of("db")).isEmpty();
            assertThat(guard.snapshots().newest(1)).isEmpty();
            assertThat(guard.pause().current()).isPresent();
            for (ThrowingCallable act : List.<ThrowingCallable>of(
                    () -> guard.pause().pause("mine", "agent"),
                    () -> guard.pause().resume("agent"),
                    () -> guard.quarantine().lift("agent", "agent"))) {
                assertThatThrownBy(act)
                        .isInstanceOf(ControlStoreUnavailableException.class)
                        .hasMessageContaining("permission denied");
            }
            assertThat(guard.quarantine().list()).hasSize(1);
            assertThat(store.audit().firstBroken()).isEmpty();
            try (Connection plain = DriverManager.getConnection(url)) {
                for (String sql : List.of(
                        "UPDATE backstop.audit SET risk = 'SAFE'",
                        "DELETE FROM backstop.audit",
                        "UPDATE backstop.store_identity SET store_id = 'x'",
                        "DELETE FROM backstop.approvals",
                        "TRUNCATE backstop.audit",
                        "DROP TABLE backstop.pause")) {
                    try (Statement statement = plain.createStatement()) {
                        assertThatThrownBy(() -> statement.execute(sql)).as(sql).isInstanceOf(SQLException.class);
                    }
                }
            }
        } finally {
            database.run("DROP OWNED BY backstop_guards", "DROP ROLE backstop_guards");
        }
    }

    @Test
    void times_are_those_of_the_server() throws Exception {
        try (SqlControlStore shared = SqlControlStore.postgresql(database.url())) {
            shared.pause().pause("incident", "ops");
            Instant server = Instant.parse(
                    database.value("SELECT to_json(clock_timestamp() AT TIME ZONE 'UTC') #>> '{}'") + "Z");
            assertThat(Duration.between(shared.pause().current().orElseThrow().since(), server))
                    .isBetween(Duration.ofSeconds(-1), Duration.ofMinutes(1));
            assertThat(Duration.between(shared.clock().instant(), Instant.now()).abs())
                    .isLessThan(Duration.ofMinutes(1));
        }
    }

    @Test
    void connections_that_the_server_ended_are_made_again_in_silence() throws Exception {
        store.pause().pause("incident", "ops");
        assertThat(store.pause().current()).isPresent();
        database.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                + " WHERE application_name = 'backstop control store' AND datname = current_database()");
        assertThat(store.pause().current()).isPresent();
        store.pause().resume("ops");
        assertThat(store.pause().current()).isEmpty();
    }

    @Test
    void a_process_that_was_cut_off_with_the_write_lock_loses_it_soon() throws Exception {
        try (Connection lost = plain();
                Statement statement = lost.createStatement()) {
            statement.execute("SET idle_in_transaction_session_timeout = '1s'"); // what the store sets is 3 s
            for (String sql : takeWriteLock()) {
                statement.execute(sql);
            }
            store.pause().pause("incident", "ops");
            assertThat(store.pause().current()).isPresent();
        }
    }

    @Test
    void a_lock_that_is_never_given_back_is_named_and_not_waited_for_for_ever() throws Exception {
        try (Connection lost = plain();
                Statement statement = lost.createStatement()) {
            for (String sql : takeWriteLock()) {
                statement.execute(sql);
            }
            assertThatThrownBy(() -> store.pause().pause("incident", "ops"))
                    .isInstanceOf(ControlStoreUnavailableException.class)
                    .hasMessageContaining("another process has kept it locked for more than 5 s");
        }
    }

    @Test
    void a_server_that_is_not_there_is_named_without_secrets() {
        assertThatThrownBy(() ->
                        SqlControlStore.postgresql("jdbc:postgresql://127.0.0.1:1/shop?user=u&password=tops3cret"))
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessageContaining("127.0.0.1:1/shop")
                .hasMessageContaining("check that the server runs")
                .hasMessageNotContaining("tops3cret");
        assertThatThrownBy(() -> SqlControlStore.postgresql("jdbc:postgresql://u:tops3cret@127.0.0.1:port/shop"))
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessageNotContaining("tops3cret");
    }

    @Test
    void a_standby_is_named() throws Exception {
        String url = database.url() + "&options=-c%20default_transaction_read_only=on";
        store.close();
        database.run("DROP SCHEMA backstop CASCADE");
        assertThatThrownBy(() -> SqlControlStore.postgresql(url))
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessageContaining("the server is read only");
    }
}
