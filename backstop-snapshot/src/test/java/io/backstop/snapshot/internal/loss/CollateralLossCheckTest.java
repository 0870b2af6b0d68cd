package io.backstop.snapshot.internal.loss;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.snapshot.capture.Securing;
import io.backstop.snapshot.store.MemoryObjectStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

import static io.backstop.snapshot.capture.Securing.cascading;
import static io.backstop.snapshot.capture.Securing.plain;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What a statement destroys besides what it was known to destroy is found before its transaction commits. */
@ExtendWith(PostgresExtension.class)
class CollateralLossCheckTest {
    private final Securing securing = new Securing(new MemoryObjectStore());
    private TestDatabase database;

    @BeforeEach
    void tables(TestDatabase database) throws SQLException {
        this.database = database;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE a (id serial PRIMARY KEY, t text)",
                "CREATE TABLE elsewhere (id integer, t text)",
                "CREATE VIEW v AS SELECT * FROM a",
                "INSERT INTO a VALUES (1), (2)",
                "INSERT INTO elsewhere VALUES (1), (2)");
    }

    private void trigger(String when, String body) throws SQLException {
        database.run(
                "CREATE FUNCTION deed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " + body + "; RETURN OLD; END $$",
                "CREATE TRIGGER deed " + when + " EXECUTE FUNCTION deed()");
    }

    private void refused(Destruction destruction, String sql, String message) throws Exception {
        try (Connection connection = Securing.begin(database)) {
            SecuredRows secured = securing.secure(connection, destruction);
            Securing.run(connection, sql);
            assertThatThrownBy(secured::confirmNothingElseWasDestroyed)
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageStartingWith(message);
        }
    }

    private void confirmed(Destruction destruction, String... sql) throws Exception {
        try (Connection connection = Securing.begin(database)) {
            SecuredRows secured = securing.secure(connection, destruction);
            Securing.run(connection, sql);
            secured.confirmNothingElseWasDestroyed();
            connection.rollback();
        }
    }

    @Test
    void a_trigger_that_deletes_elsewhere_is_found() throws Exception {
        trigger("BEFORE DELETE ON a FOR EACH ROW", "DELETE FROM elsewhere WHERE id = OLD.id");
        refused(
                plain(Kind.DELETE, "a"),
                "DELETE FROM a WHERE id = 1",
                "table public.elsewhere had rows updated or deleted by the statement");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DELETE FROM elsewhere; RETURN NULL; END $$ SET track_counts = off",
                "set local TRACK_COUNTS to off; DELETE FROM elsewhere; SET LOCAL track_counts = on; RETURN NULL; END $$",
                "PERFORM set_config('track_counts', 'off', true); DELETE FROM elsewhere; "
                        + "PERFORM set_config('track_counts', 'on', true); RETURN NULL; END $$"
            })
    void what_may_hide_from_the_counters_is_refused_beforehand(String body) throws Exception {
        database.run(
                "CREATE FUNCTION deed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " + body,
                "CREATE TRIGGER deed AFTER DELETE ON a EXECUTE FUNCTION deed()");
        try (Connection connection = Securing.begin(database)) {
            assertThatThrownBy(() -> securing.secure(connection, plain(Kind.DELETE, "a")))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessage("function public.deed may switch track_counts off while it runs, so it cannot be told "
                            + "which tables a statement changes\nHINT: take the setting out of the function");
            assertThat(securing.store.list("")).isEmpty();
        }
    }

    @Test
    void a_function_that_only_reads_the_setting_of_the_counters_is_no_hindrance() throws Exception {
        trigger("AFTER DELETE ON a", "PERFORM current_setting('track_counts')");
        confirmed(plain(Kind.DELETE, "a"), "DELETE FROM a");
    }

    @Test
    void a_trigger_that_updates_elsewhere_is_found() throws Exception {
        trigger("AFTER DELETE ON a", "UPDATE elsewhere SET t = 'x'");
        refused(plain(Kind.DELETE, "a"), "DELETE FROM a", "table public.elsewhere had rows updated or deleted");
    }

    @Test
    void a_trigger_that_truncates_elsewhere_is_found() throws Exception {
        trigger("AFTER TRUNCATE ON a", "TRUNCATE elsewhere");
        refused(plain(Kind.TRUNCATE, "a"), "TRUNCATE a", "table public.elsewhere was truncated or rewritten");
    }

    @Test
    void what_others_do_elsewhere_meanwhile_is_not_held_against_the_statement() throws Exception {
        try (Connection connection = Securing.begin(database)) {
            SecuredRows secured = securing.secure(connection, plain(Kind.DELETE, "a"));
            Securing.run(connection, "DELETE FROM a");
            database.run("TRUNCATE elsewhere", "ALTER TABLE elsewhere DROP COLUMN t", "VACUUM FULL elsewhere");
            secured.confirmNothingElseWasDestroyed();
            connection.rollback();
        }
    }

    @Test
    void a_trigger_that_drops_a_table_or_a_column_elsewhere_is_found() throws Exception {
        trigger("AFTER TRUNCATE ON a", "DROP TABLE elsewhere");
        refused(plain(Kind.TRUNCATE, "a"), "TRUNCATE a", "table public.elsewhere was dropped");
        database.run("DROP FUNCTION deed CASCADE");
        trigger("AFTER TRUNCATE ON a", "ALTER TABLE elsewhere DROP COLUMN t");
        refused(plain(Kind.TRUNCATE, "a"), "TRUNCATE a", "table public.elsewhere lost a column");
    }

    @Test
    void a_trigger_that_removes_or_changes_a_large_object_is_found() throws Exception {
        for (String deed : List.of("lo_unlink(4711)", "lo_put(4711, 0, 'x')")) {
            database.run("DROP TABLE a CASCADE", "CREATE TABLE a (id integer)", "INSERT INTO a VALUES (1)");
            database.run("DROP FUNCTION IF EXISTS deed");
            database.value("SELECT lo_from_bytea(4711, 'precious')");
            try {
                trigger("BEFORE DELETE ON a FOR EACH ROW", "PERFORM " + deed);
                refused(plain(Kind.DELETE, "a"), "DELETE FROM a", "large objects were changed or removed");
            } finally {
                database.value("SELECT lo_unlink(4711)");
            }
        }
    }

    @Test
    void large_objects_that_are_made_given_away_or_were_removed_before_are_not_held_against_the_statement()
            throws Exception {
        database.value("SELECT lo_from_bytea(4712, 'old')");
        trigger(
                "BEFORE DELETE ON a FOR EACH ROW",
                "PERFORM lo_from_bytea(0, 'new'); ALTER LARGE OBJECT 4712 OWNER TO CURRENT_USER; "
                        + "GRANT SELECT ON LARGE OBJECT 4712 TO PUBLIC");
        try (Connection connection = Securing.begin(database)) {
            Securing.run(connection, "SELECT lo_unlink(lo_create(0))");
            SecuredRows secured = securing.secure(connection, plain(Kind.DELETE, "a"));
            Securing.run(connection, "DELETE FROM a");
            secured.confirmNothingElseWasDestroyed();
            connection.rollback();
        } finally {
            database.value("SELECT lo_unlink(4712)");
        }
    }

    @Test
    void a_trigger_that_drops_an_attribute_of_a_stored_type_is_found() throws Exception {
        database.run("CREATE TYPE pair AS (x integer, y integer)");
        trigger("AFTER TRUNCATE ON a", "ALTER TYPE pair DROP ATTRIBUTE x");
        confirmed(plain(Kind.TRUNCATE, "a"), "TRUNCATE a");
        database.run("CREATE TABLE pairs (p pair[])");
        refused(
                plain(Kind.TRUNCATE, "a"),
                "TRUNCATE a",
                "type public.pair lost an attribute by the statement, and with it the rows of table public.pairs");
    }

    @Test
    void a_rule_that_deletes_elsewhere_is_found() throws Exception {
        database.run("CREATE RULE r AS ON DELETE TO a DO ALSO DELETE FROM elsewhere");
        refused(plain(Kind.DELETE, "a"), "DELETE FROM a", "table public.elsewhere had rows updated or deleted");
    }

    @Test
    void rows_that_the_transaction_itself_deleted_before_are_not_held_against_the_statement() throws Exception {
        try (Connection connection = Securing.begin(database)) {
            Securing.run(
                    connection, "DELETE FROM elsewhere WHERE id = 1", "CREATE TABLE passing ()", "DROP TABLE passing");
            SecuredRows secured = securing.secure(connection, plain(Kind.DELETE, "a"));
            Securing.run(connection, "DELETE FROM a");
            secured.confirmNothingElseWasDestroyed();
        }
    }

    @Test
    void a_table_that_is_saved_along_may_be_changed() throws Exception {
        trigger("BEFORE DELETE ON a FOR EACH ROW", "DELETE FROM elsewhere WHERE id = OLD.id");
        try (Connection connection = Securing.begin(database)) {
            SecuredRows secured = securing.service.secure(
                    connection,
                    Connections.NONE,
                    Securing.request(List.of(plain(Kind.DELETE, "a")), List.of("elsewhere"), Long.MAX_VALUE),
                    Progress.SILENT);
            Securing.run(connection, "DELETE FROM a");
            secured.confirmNothingElseWasDestroyed();
        }
    }

    @Test
    void a_table_that_appears_after_the_look_and_is_dropped_is_found() throws Exception {
        try (Connection connection = Securing.begin(database)) {
            SecuredRows secured = securing.secure(connection, plain(Kind.DROP_TABLE, "late"));
            assertThat(secured.manifests()).isEmpty();
            database.run("CREATE TABLE late (id integer)", "INSERT INTO late VALUES (1)");
            Securing.run(connection, "DROP TABLE IF EXISTS late");
            assertThatThrownBy(secured::confirmNothingElseWasDestroyed)
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageStartingWith("the statement dropped a table that appeared after the snapshot was taken");
            connection.rollback();
        }
        assertThat(database.value("SELECT count(*) FROM late")).isEqualTo("1");
    }

    @Test
    void a_table_that_appears_after_the_look_and_is_emptied_is_found() throws Exception {
        for (String sql : List.of("DELETE FROM late", "UPDATE late SET id = 2", "TRUNCATE late")) {
            try (Connection connection = Securing.begin(database)) {
                database.run("DROP TABLE IF EXISTS late");
                SecuredRows secured = securing.secure(connection, plain(Kind.TRUNCATE, "late"));
                database.run("CREATE TABLE late (id integer)", "INSERT INTO late VALUES (1)");
                Securing.run(connection, sql);
                assertThatThrownBy(secured::confirmNothingElseWasDestroyed)
                        .as(sql)
                        .isInstanceOf(RecoveryNotReadyException.class)
                        .hasMessageContaining("late");
                connection.rollback();
            }
        }
    }

    @Test
    void ordinary_statements_are_confirmed() throws Exception {
        database.run(
                "CREATE TABLE child (id integer PRIMARY KEY, a integer REFERENCES a ON DELETE CASCADE, long text)",
                "CREATE INDEX ON child (a)",
                "CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM v",
                "INSERT INTO child VALUES (1, 1)",
                "CREATE TABLE log (line text)");
        trigger("AFTER INSERT OR DELETE ON child", "INSERT INTO log VALUES ('done')");
        confirmed(plain(Kind.DELETE, "a"), "DELETE FROM a");
        confirmed(plain(Kind.UPDATE, "a"), "UPDATE a SET t = 'x'");
        confirmed(cascading(Kind.TRUNCATE, "a"), "TRUNCATE a RESTART IDENTITY CASCADE");
        confirmed(plain(Kind.DROP_TABLE, "child"), "DROP TABLE child");
        confirmed(cascading(Kind.DROP_TABLE, "a"), "DROP TABLE a CASCADE");
        confirmed(plain(Kind.DROP_TABLE, "nothing"), "DROP TABLE IF EXISTS nothing");
        confirmed(cascading(Kind.DROP_SCHEMA, "public"), "DROP SCHEMA public CASCADE");
        confirmed(plain(Kind.ALTER_TABLE, "child"), "ALTER TABLE child ALTER COLUMN long TYPE varchar(10)");
        confirmed(plain(Kind.ALTER_TABLE, "child"), "ALTER TABLE child DROP COLUMN long");
        confirmed(
                plain(Kind.DELETE, "a"),
                "CREATE TEMPORARY TABLE work (id integer)",
                "INSERT INTO work VALUES (1)",
                "DELETE FROM work",
                "DROP TABLE work",
                "DELETE FROM a");
    }

    @Test
    void without_the_servers_counters_nothing_is_promised() throws Exception {
        try (Connection connection = Securing.begin(database)) {
            Securing.run(connection, "SET track_counts = off");
            assertThatThrownBy(() -> securing.secure(connection, plain(Kind.DELETE, "a")))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageStartingWith("the setting track_counts is off");
            Securing.run(connection, "SET track_counts = on");
            SecuredRows secured = securing.secure(connection, plain(Kind.DELETE, "a"));
            Securing.run(connection, "SET track_counts = off", "DELETE FROM a");
            assertThatThrownBy(secured::confirmNothingElseWasDestroyed).isInstanceOf(RecoveryNotReadyException.class);
        }
    }
}
