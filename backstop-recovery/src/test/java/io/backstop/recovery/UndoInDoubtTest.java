package io.backstop.recovery;

import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.UndoReport;
import io.backstop.recovery.model.UndoReport.Outcome;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Where rows might be the statement's, or somebody's since, an undo changes nothing. */
@ExtendWith(PostgresExtension.class)
class UndoInDoubtTest {
    private final TestDatabase database;
    private final SecuredChanges changes;

    UndoInDoubtTest(TestDatabase database) {
        this.database = database;
        this.changes = new SecuredChanges(database, new HookedMemoryStore());
    }

    @BeforeEach
    void createTables() throws SQLException {
        database.run(
                "DROP SCHEMA IF EXISTS app CASCADE",
                "CREATE SCHEMA app",
                "CREATE TABLE app.t (id int PRIMARY KEY, v text)",
                "INSERT INTO app.t VALUES (1, 'a'), (2, 'b'), (3, 'c'), (9, 'i')");
    }

    private List<String> contents() throws SQLException {
        return TableContents.of(database, "app");
    }

    /** As many rows may be missing as are under other keys, and be others nevertheless. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "id IN (1, 2) | UPDATE app.t SET id = CASE id WHEN 1 THEN 101 ELSE id END,"
                        + " v = CASE id WHEN 2 THEN 'x' ELSE v END WHERE id IN (1, 2)"
                        + " | INSERT INTO app.t VALUES (1, 'a'); DELETE FROM app.t WHERE id = 2",
                "id < 4 | UPDATE app.t SET id = -id - 1 WHERE id < 4 | INSERT INTO app.t VALUES (1, 'a')",
                "id = 1 | UPDATE app.t SET id = 101 WHERE id = 1 | INSERT INTO app.t VALUES (1, 'a')",
                "id < 4 | UPDATE app.t SET id = -id WHERE id < 4 | DELETE FROM app.t WHERE id = -2"
            })
    void rows_under_other_keys_are_not_counted_against_rows_that_others_wrote(
            String rows, String statement, String since) throws Exception {
        String change = changes.rows(Kind.UPDATE, "t", rows, statement);
        database.run(since.split(";"));
        List<String> before = contents();
        UndoReport refused = changes.undo(change);
        assertThat(refused.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(refused.conflicts()).isNotEmpty();
        assertThat(contents()).isEqualTo(before);
        changes.undo(change, true);
        assertThat(contents()).as("nothing is certain, so all is skipped").isEqualTo(before);
    }

    /** Keys that move among the stored ones: none of them is missing but those at the end. */
    @Test
    void shifted_keys_are_not_given_back_to_rows_that_are_others_now() throws Exception {
        database.run("ALTER TABLE app.t DROP CONSTRAINT t_pkey", "ALTER TABLE app.t ADD PRIMARY KEY (id) DEFERRABLE");
        String change = changes.rows(Kind.UPDATE, "t", "id < 4", "UPDATE app.t SET id = id + 1 WHERE id < 4");
        database.run("DELETE FROM app.t WHERE id = 2");
        List<String> before = contents();
        assertThat(changes.undo(change).outcome()).isEqualTo(Outcome.REFUSED);
        changes.undo(change, true);
        assertThat(contents()).isEqualTo(before);
    }

    @Test
    void rows_that_moved_among_partitions_are_not_counted_against_one_that_was_inserted() throws Exception {
        database.run(
                "CREATE TABLE app.p (id int, k int, PRIMARY KEY (id, k)) PARTITION BY RANGE (k)",
                "CREATE TABLE app.p0 PARTITION OF app.p FOR VALUES FROM (0) TO (10)",
                "CREATE TABLE app.p1 PARTITION OF app.p FOR VALUES FROM (10) TO (20)",
                "INSERT INTO app.p VALUES (1, 1), (2, 2)");
        String change = changes.whole(
                Kind.UPDATE,
                "p",
                "WITH i AS (INSERT INTO app.p VALUES (500, 15)) UPDATE app.p SET k = k + 10 WHERE id < 3");
        database.run("DELETE FROM app.p WHERE id = 1");
        assertNotUndone(change, "inserted rows into the same table too");
    }

    private void assertNotUndone(String change, String why) throws SQLException {
        List<String> before = contents();
        assertThatThrownBy(() -> changes.undo(change, true))
                .isInstanceOf(RecoveryException.class)
                .hasMessageContaining(why);
        assertThat(contents()).isEqualTo(before);
    }

    @Test
    void an_update_that_inserts_as_well_is_left_to_recover() throws Exception {
        assertNotUndone(
                changes.rows(
                        Kind.UPDATE,
                        "t",
                        "id = 1",
                        "INSERT INTO app.t VALUES (1, 'x'), (20, 'y') ON CONFLICT (id) DO UPDATE SET v = excluded.v"),
                "inserted rows into the same table too");
        assertNotUndone(
                changes.rows(
                        Kind.DELETE,
                        "t",
                        "id = 2",
                        "WITH d AS (DELETE FROM app.t WHERE id = 2 RETURNING *) INSERT INTO app.t SELECT id + 40, v FROM d"),
                "inserted rows into the same table too");
    }

    /** A transaction that began earlier has an earlier number, and may write later. */
    @Test
    void what_an_older_transaction_wrote_afterwards_counts_as_written_since() throws Exception {
        database.run(
                "CREATE TABLE app.other (id int)",
                "CREATE TABLE app.bare (v text)",
                "INSERT INTO app.bare VALUES ('a')");
        try (Connection older = database.connect();
                Statement statement = older.createStatement()) {
            older.setAutoCommit(false);
            statement.execute("INSERT INTO app.other VALUES (1)");
            String change = changes.whole(Kind.DELETE, "t", "DELETE FROM app.t WHERE id < 3");
            String bare = changes.rows(Kind.DELETE, "bare", "true", "DELETE FROM app.bare");
            statement.execute("INSERT INTO app.t VALUES (1, 'new')");
            statement.execute("INSERT INTO app.bare VALUES ('a')");
            older.commit();
            database.run("DELETE FROM app.t WHERE id = 9");
            assertNotUndone(change, "which rows of table app.t the statement deleted is not known");
            assertThat(changes.undo(bare).outcome()).isEqualTo(Outcome.REFUSED);
        }
    }

    @Test
    void rows_without_a_key_that_a_foreign_key_set_to_null_are_conflicts() throws Exception {
        database.run(
                "CREATE TABLE app.child (t int REFERENCES app.t ON DELETE SET NULL, w text)",
                "INSERT INTO app.child VALUES (1, 'x'), (2, 'y')");
        String change = changes.whole(Kind.DELETE, "t", "DELETE FROM app.t WHERE id = 1");
        List<String> before = contents();
        try {
            assertThat(changes.undo(change).outcome()).isEqualTo(Outcome.REFUSED);
        } catch (RecoveryException e) {
            assertThat(e).hasMessageContaining("is not known");
        }
        assertThat(contents()).isEqualTo(before);
    }

    @Test
    void a_statement_that_was_rolled_back_to_a_savepoint_is_not_undone() throws Exception {
        String change = changes.run(
                Kind.DELETE,
                "t",
                Optional.of("id < 3"),
                true,
                "DELETE FROM app.t WHERE id < 3",
                "ROLLBACK TO SAVEPOINT callers");
        database.run("DELETE FROM app.t WHERE id = 2");
        assertNotUndone(change, "was rolled back to a savepoint of its transaction");
    }

    @Test
    void the_sequence_of_a_partitioned_table_is_set_past_the_numbers_that_come_back() throws Exception {
        database.run(
                "CREATE TABLE app.p (id serial, k int, PRIMARY KEY (id, k)) PARTITION BY RANGE (k)",
                "CREATE TABLE app.p0 PARTITION OF app.p FOR VALUES FROM (0) TO (10)",
                "INSERT INTO app.p (k) SELECT 1 FROM generate_series(1, 5)");
        String change = changes.whole(Kind.TRUNCATE, "p", "TRUNCATE app.p RESTART IDENTITY");
        assertThat(changes.undo(change).outcome()).isEqualTo(Outcome.UNDONE);
        assertThat(database.value("SELECT nextval('app.p_id_seq')")).isEqualTo("6");
    }

    @Test
    void a_unique_value_that_is_generated_is_the_servers_to_look_at() throws Exception {
        database.run(
                "CREATE TABLE app.g (id int PRIMARY KEY, e text, l text GENERATED ALWAYS AS (lower(e)) STORED UNIQUE)",
                "INSERT INTO app.g VALUES (1, 'A'), (2, 'B')");
        List<String> before = contents();
        String change = changes.rows(Kind.UPDATE, "g", "id = 1", "UPDATE app.g SET e = 'Z' WHERE id = 1");
        assertThat(changes.undo(change).outcome()).isEqualTo(Outcome.UNDONE);
        assertThat(contents()).isEqualTo(before);
        String again = changes.rows(Kind.UPDATE, "g", "id = 1", "UPDATE app.g SET e = 'Z' WHERE id = 1");
        database.run("INSERT INTO app.g VALUES (3, 'a')");
        assertNotUndone(again, "g_l_key");
    }
}
