package io.backstop.jdbc.control;

import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.util.List;
import java.util.Optional;
import java.util.Set;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A schema that does not hold the store that it held is not used, and not filled. */
@ExtendWith(PostgresExtension.class)
class PostgresStoreLossTest {
    private TestDatabase database;
    private SqlControlStore store;

    @BeforeEach
    void openAndPause(TestDatabase given) throws Exception {
        database = given;
        database.run("DROP SCHEMA IF EXISTS backstop CASCADE", "DROP SCHEMA IF EXISTS aside CASCADE");
        store = SqlControlStore.postgresql(database.url());
        store.pause().pause("incident", "ops");
    }

    @AfterEach
    void close() {
        store.close();
    }

    private void assertRefused(String problem) {
        for (ThrowingCallable use : List.<ThrowingCallable>of(
                () -> store.pause().current(),
                () -> store.heartbeats().beat("sidecar", "db", Optional.empty(), Set.of()),
                () -> store.pause().current())) {
            assertThatThrownBy(use)
                    .isInstanceOf(ControlStoreUnavailableException.class)
                    .hasMessageStartingWith(problem)
                    .hasMessageContaining("\nHINT: ");
        }
    }

    private void endConnections() throws Exception {
        database.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                + " WHERE application_name = 'backstop control store' AND datname = current_database()");
    }

    @Test
    void a_removed_store_stops_the_work_and_is_not_made_anew() throws Exception {
        database.run("DROP SCHEMA backstop CASCADE");
        assertRefused("the control store was removed: schema backstop of ");
        endConnections();
        assertRefused("the control store was removed: schema backstop of ");
        assertThat(database.value("SELECT to_regnamespace('backstop') IS NULL")).isEqualTo("t");
    }

    @Test
    void a_store_that_is_put_back_is_used_again() throws Exception {
        database.run("ALTER SCHEMA backstop RENAME TO aside");
        assertRefused("the control store was removed: schema backstop of ");
        database.run("ALTER SCHEMA aside RENAME TO backstop");
        assertThat(store.pause().current()).isPresent();
    }

    @Test
    void an_empty_schema_in_its_place_is_not_filled() throws Exception {
        database.run("DROP SCHEMA backstop CASCADE", "CREATE SCHEMA backstop");
        assertRefused("the control store was removed: schema backstop of ");
        assertThat(database.rows("SELECT 1 FROM pg_class WHERE relnamespace = 'backstop'::regnamespace"))
                .isEmpty();
    }

    @Test
    void another_store_in_its_place_stops_the_work() throws Exception {
        database.run("ALTER SCHEMA backstop RENAME TO aside");
        SqlControlStore.postgresql(database.url()).close();
        assertRefused("the control store was replaced by another one: schema backstop of ");
        endConnections();
        assertRefused("the control store was replaced by another one: schema backstop of ");
    }

    @Test
    void an_earlier_state_of_the_same_store_stops_the_work() throws Exception {
        store.pause().resume("ops");
        database.run(
                "DELETE FROM backstop.audit WHERE sequence = 2",
                "UPDATE backstop.audit_head SET sequence = 1, hash = (SELECT hash FROM backstop.audit WHERE sequence = 1)",
                "INSERT INTO backstop.pause VALUES (1, 'incident', 'ops', 0)");
        assertRefused("the control store was set back to an earlier state: schema backstop of ");
    }

    @Test
    void an_earlier_state_to_which_others_added_stops_new_connections_too() throws Exception {
        store.pause().resume("ops");
        database.run(
                "DELETE FROM backstop.audit WHERE sequence = 2",
                "UPDATE backstop.audit_head SET sequence = 1, hash = (SELECT hash FROM backstop.audit WHERE sequence = 1)");
        try (SqlControlStore later = SqlControlStore.postgresql(database.url())) {
            later.pause().pause("again", "ops");
            later.pause().pause("and again", "ops");
        }
        endConnections();
        assertRefused("the control store was set back to an earlier state: schema backstop of ");
    }

    @Test
    void a_store_of_a_later_version_is_refused() throws Exception {
        database.run("INSERT INTO backstop.schema_migrations VALUES (4711)");
        assertThatThrownBy(() -> SqlControlStore.postgresql(database.url()))
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessageContaining("has version 4711");
    }
}
