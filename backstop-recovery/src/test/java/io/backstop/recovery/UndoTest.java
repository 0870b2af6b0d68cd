package io.backstop.recovery;

import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.model.UndoConflict;
import io.backstop.recovery.model.UndoConflict.Reason;
import io.backstop.recovery.model.UndoReport;
import io.backstop.recovery.model.UndoReport.Outcome;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

/** A statement is undone as if it had never run, but for what others have written since, which is named and left alone. */
@Sampled
@ExtendWith(PostgresExtension.class)
class UndoTest {
    private final TestDatabase database;
    private final SecuredChanges changes;

    UndoTest(TestDatabase database) {
        this.database = database;
        this.changes = new SecuredChanges(database, new HookedMemoryStore());
    }

    @BeforeEach
    void createTables() throws SQLException {
        database.run(
                "DROP SCHEMA IF EXISTS app CASCADE",
                "CREATE SCHEMA app",
                "CREATE TABLE app.t (id int PRIMARY KEY, v int, u int UNIQUE, g int GENERATED ALWAYS AS (v * 2) STORED)",
                "INSERT INTO app.t SELECT i, i, i FROM generate_series(1, 10) i",
                "CREATE TABLE app.users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text)",
                "CREATE TABLE app.orders (id serial PRIMARY KEY, owner bigint NOT NULL REFERENCES app.users ON DELETE"
                        + " CASCADE, v int)",
                "CREATE TABLE app.lines (id serial PRIMARY KEY, item int REFERENCES app.orders ON DELETE CASCADE)",
                "CREATE TABLE app.notes (id serial PRIMARY KEY, about bigint REFERENCES app.users ON DELETE SET NULL)",
                "INSERT INTO app.users (name) SELECT 'n' || i FROM generate_series(1, 5) i",
                "INSERT INTO app.orders (owner, v) SELECT 1 + i % 5, i FROM generate_series(1, 20) i",
                "INSERT INTO app.lines (item) SELECT 1 + i % 20 FROM generate_series(1, 40) i",
                "INSERT INTO app.notes (about) SELECT 1 + i % 5 FROM generate_series(1, 10) i",
                "CREATE TABLE app.log (n int, v int)",
                "INSERT INTO app.log SELECT i % 4, i % 2 FROM generate_series(1, 12) i",
                "CREATE TABLE app.p (id int, k int, v int, PRIMARY KEY (id, k)) PARTITION BY RANGE (k)",
                "CREATE TABLE app.p1 PARTITION OF app.p FOR VALUES FROM (0) TO (10)",
                "CREATE TABLE app.p2 PARTITION OF app.p FOR VALUES FROM (10) TO (20)",
                "INSERT INTO app.p SELECT i, i, i FROM generate_series(1, 19) i");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "DELETE   | t      | id < 4     | DELETE FROM app.t WHERE id < 4",
                "UPDATE   | t      | id < 4     | UPDATE app.t SET v = v + 100 WHERE id < 4",
                "UPDATE   | t      | id < 4     | UPDATE app.t SET id = id + 100 WHERE id < 4",
                // Back again, each meets the value that the next one has yet.
                "UPDATE   | t      |            | UPDATE app.t SET u = u - 1",
                "UPDATE   | t      |            | UPDATE app.t SET id = id - 1, v = 0",
                "TRUNCATE | users  |            | TRUNCATE app.users RESTART IDENTITY CASCADE",
                "DELETE   | users  |            | DELETE FROM app.users",
                "DELETE   | users  |            | DELETE FROM app.users WHERE id < 3",
                "DELETE   | users  | id < 3     | DELETE FROM app.users WHERE id < 3",
                "DELETE   | log    | n = 1      | DELETE FROM app.log WHERE n = 1",
                "UPDATE   | log    |            | UPDATE app.log SET v = 7",
                "DELETE   | p      | k < 13     | DELETE FROM app.p WHERE k < 13",
                "UPDATE   | p      |            | UPDATE app.p SET k = 19 - k",
            })
    void an_undo_brings_back_what_was_and_its_own_undo_what_it_changed(Kind kind, String table, String rows, String sql)
            throws Exception {
        List<String> before = TableContents.of(database, "app");
        String change = changes.run(kind, table, Optional.ofNullable(rows), true, sql, "");
        List<String> after = rowsAfter();
        assertThat(TableContents.of(database, "app")).isNotEqualTo(before);

        UndoReport possible = changes.preview(change);
        assertThat(possible.outcome()).isEqualTo(Outcome.POSSIBLE);
        assertThat(rowsAfter()).as("a preview changes nothing").isEqualTo(after);
        UndoReport undone = changes.undo(change);
        assertThat(undone.outcome()).isEqualTo(Outcome.UNDONE);
        assertThat(undone.tables()).isEqualTo(possible.tables());
        assertThat(TableContents.of(database, "app")).isEqualTo(before);

        UndoReport again = changes.undo(undone.undo().orElseThrow());
        assertThat(again.outcome()).isEqualTo(Outcome.UNDONE);
        assertThat(rowsAfter()).isEqualTo(after);

        if (table.equals("users")) {
            assertThat(changes.undo(again.undo().orElseThrow()).outcome()).isEqualTo(Outcome.UNDONE);
            assertThat(TableContents.of(database, "app")).isEqualTo(before);
        }
    }

    /** Without the sequences, which an undo never sets back. */
    private List<String> rowsAfter() throws SQLException {
        return database.rows(
                "SELECT tableoid::regclass, t::text FROM app.t UNION ALL SELECT tableoid::regclass, t::text"
                        + " FROM app.users t UNION ALL SELECT tableoid::regclass, t::text FROM app.orders t UNION ALL SELECT"
                        + " tableoid::regclass, t::text FROM app.lines t UNION ALL SELECT tableoid::regclass, t::text FROM"
                        + " app.notes t UNION ALL SELECT tableoid::regclass, t::text FROM app.log t UNION ALL SELECT"
                        + " tableoid::regclass, t::text FROM app.p t ORDER BY 1, 2");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "UPDATE | id < 4 | UPDATE app.t SET v = 0 WHERE id < 4 | UPDATE app.t SET v = 5 WHERE id = 2 | CHANGED",
                // There and back again: it is the statement's value, and somebody wants it to be.
                "UPDATE | id < 4 | UPDATE app.t SET v = 0 WHERE id < 4 | UPDATE app.t SET v = 0 WHERE id = 2 | CHANGED",
                "UPDATE | id < 4 | UPDATE app.t SET v = 0 WHERE id < 4 | DELETE FROM app.t WHERE id = 2      | GONE",
                "UPDATE | id < 4 | UPDATE app.t SET v = 0 WHERE id < 4 | UPDATE app.t SET id = 50 WHERE id = 2 | GONE",
                "UPDATE | id < 4 | UPDATE app.t SET v = 0 WHERE id < 4 | WITH d AS (DELETE FROM app.t WHERE id = 2 RETURNING"
                        + " *) SELECT id FROM d; INSERT INTO app.t VALUES (2, 0, 2) | CHANGED",
                "DELETE | id < 4 | DELETE FROM app.t WHERE id < 4       | INSERT INTO app.t VALUES (2, 7, 70)  | REWRITTEN",
                "DELETE | id < 4 | DELETE FROM app.t WHERE id < 4       | INSERT INTO app.t VALUES (99, 0, 2)  | VALUE_TAKEN",
                "UPDATE | id < 4 | UPDATE app.t SET u = u + 100 WHERE id < 4 | INSERT INTO app.t VALUES (99, 0, 2) |"
                        + " VALUE_TAKEN",
            })
    void a_row_that_somebody_wrote_since_is_named_and_stays_as_it_is(
            Kind kind, String rows, String sql, String since, Reason reason) throws Exception {
        String change = changes.run(kind, "t", Optional.ofNullable(rows), true, sql, "");
        database.run(since);
        List<String> before = TableContents.of(database, "app");

        UndoReport refused = changes.undo(change);

        assertThat(refused.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(refused.conflicts())
                .extracting(UndoConflict::table, UndoConflict::key, UndoConflict::reason)
                .containsExactly(tuple(RelationName.of("app", "t"), Map.of("id", "2"), reason));
        assertThat(refused.conflicts().toString()).doesNotContain("id");
        assertThat(TableContents.of(database, "app")).isEqualTo(before);
        assertThat(changes.preview(change).conflicts()).isEqualTo(refused.conflicts());

        UndoReport skipped = changes.undo(change, true);
        assertThat(skipped.outcome()).isEqualTo(Outcome.UNDONE);
        assertThat(database.rows("SELECT id, v, u FROM app.t WHERE id IN (1, 3) ORDER BY id"))
                .containsExactly("1|1|1", "3|3|3");
        assertThat(changes.undo(skipped.undo().orElseThrow()).outcome()).isEqualTo(Outcome.UNDONE);
        assertThat(TableContents.of(database, "app")).isEqualTo(before);
    }
}
