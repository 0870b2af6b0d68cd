package io.backstop.jdbc;

import io.backstop.api.approval.ApprovalState;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.error.PausedException;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/** Guards whose control store is in a PostgreSQL database, by the driver's URL. */
@ExtendWith(PostgresExtension.class)
class SharedControlStoreTest {
    private TestDatabase database;
    private SqlControlStore store;

    @BeforeEach
    void open(TestDatabase given) throws Exception {
        database = given;
        database.run(
                "DROP SCHEMA IF EXISTS backstop CASCADE",
                "DROP TABLE IF EXISTS t",
                "CREATE TABLE t (id int PRIMARY KEY)",
                "INSERT INTO t VALUES (1), (2)");
        store = SqlControlStore.postgresql(database.url());
    }

    @AfterEach
    void close() {
        store.close();
    }

    private Connection guarded(String control) throws SQLException {
        return DriverManager.getConnection(database.backstopUrl(
                "backstop.agentId=agent&backstop.control=" + URLEncoder.encode(control, StandardCharsets.UTF_8)));
    }

    @Test
    void a_held_statement_runs_once_it_is_approved_and_not_while_writes_are_paused() throws Exception {
        try (Connection connection = guarded(database.url());
                Statement statement = connection.createStatement()) {
            String sql = "ALTER TABLE t ADD COLUMN v int";
            ApprovalRequiredException held =
                    catchThrowableOfType(ApprovalRequiredException.class, () -> statement.execute(sql));
            assertThat(store.approvals().list(ApprovalState.PENDING)).hasSize(1);
            store.approvals().decide(held.approvalId(), true, "ops");
            store.pause().pause("incident", "ops");
            assertThatThrownBy(() -> statement.execute(sql)).isInstanceOf(PausedException.class);
            assertThat(statement.executeQuery("SELECT * FROM t").next()).isTrue();
            store.pause().resume("ops");
            statement.execute(sql);
            assertThat(database.value("SELECT count(v) FROM t")).isEqualTo("0");
        }
        assertThat(store.audit().firstBroken()).isEmpty();
    }

    @Test
    void without_the_store_reads_go_on_and_writes_do_once_it_is_back() throws Exception {
        String name = "store_of_" + database.value("SELECT current_database()");
        database.run("DROP DATABASE IF EXISTS " + name, "CREATE DATABASE " + name);
        String elsewhere = database.url().replaceFirst("/[^/?]+\\?", "/" + name + "?");
        try (Connection connection = guarded(elsewhere);
                Statement statement = connection.createStatement()) {
            statement.executeUpdate("INSERT INTO t VALUES (3)");
            database.run(
                    "ALTER DATABASE " + name + " ALLOW_CONNECTIONS false",
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'");
            assertThat(statement.executeQuery("SELECT * FROM t").next()).isTrue();
            assertThatThrownBy(() -> statement.executeUpdate("INSERT INTO t VALUES (4)"))
                    .isInstanceOf(ControlStoreUnavailableException.class)
                    .hasMessageContaining("/" + name)
                    .hasMessageContaining("\nHINT: ");
            database.run("ALTER DATABASE " + name + " ALLOW_CONNECTIONS true");
            statement.executeUpdate("INSERT INTO t VALUES (5)");
        }
        assertThat(database.rows("SELECT id FROM t ORDER BY id")).containsExactly("1", "2", "3", "5");
    }

    @Test
    void a_place_in_no_known_form_is_named_without_what_it_holds() {
        for (String place : new String[] {
            "jdbc:mysql://u:tops3cret@h/d",
            "postgresql://u:tops3cret@h/d",
            "jdbc:postgresql://h:port/d?password=tops3cret"
        }) {
            assertThatThrownBy(() -> guarded(place).close())
                    .as(place)
                    .hasMessageContaining("backstop.control")
                    .hasMessageContaining("\nHINT: ")
                    .hasMessageNotContaining("tops3cret");
        }
    }
}
