package io.backstop.recovery;

import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.UndoConflict;
import io.backstop.recovery.model.UndoConflict.Reason;
import io.backstop.recovery.model.UndoReport;
import io.backstop.recovery.model.UndoReport.Outcome;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

/** An undo meets other tables, other statements, other sessions, and failures, and changes nothing but what it names. */
@ExtendWith(PostgresExtension.class)
class UndoAmongOthersTest {
    private final TestDatabase database;
    private final HookedMemoryStore store = new HookedMemoryStore();
    private final SecuredChanges changes;

    UndoAmongOthersTest(TestDatabase database) {
        this.database = database;
        this.changes = new SecuredChanges(database, store);
    }

    @BeforeEach
    void createTables() throws SQLException {
        database.run(
                "DROP SCHEMA IF EXISTS app CASCADE",
                "CREATE SCHEMA app",
                "CREATE TABLE app.t (id int PRIMARY KEY, v int)",
                "INSERT INTO app.t SELECT i, i FROM generate_series(1, 10) i",
                "CREATE TABLE app.users (id int PRIMARY KEY, code text UNIQUE)",
                "CREATE TABLE app.orders (id serial PRIMARY KEY, owner int REFERENCES app.users ON DELETE CASCADE)",
                "INSERT INTO app.users SELECT i, 'c' || i FROM generate_series(1, 5) i",
                "INSERT INTO app.orders (owner) SELECT 1 + i % 5 FROM generate_series(1, 10) i");
    }

    private List<String> contents() throws SQLException {
        return TableContents.of(database, "app");
    }

    @Test
    void behind_a_savepoint_a_later_statement_of_the_same_transaction_is_told_apart() throws Exception {
        String change = changes.run(
                Kind.UPDATE,
                "t",
                Optional.of("id < 4"),
                true,
                "UPDATE app.t SET v = 0 WHERE id < 4",
                "UPDATE app.t SET v = 9 WHERE id = 2");

        assertThat(changes.undo(change).conflicts())
                .extracting(UndoConflict::key, UndoConflict::reason)
                .containsExactly(tuple(Map.of("id", "2"), Reason.CHANGED));
        assertThat(changes.undo(change, true).outcome()).isEqualTo(Outcome.UNDONE);
        assertThat(database.rows("SELECT id, v FROM app.t WHERE id < 4 ORDER BY id"))
                .containsExactly("1|1", "2|9", "3|3");
    }

    @Test
    void without_a_savepoint_it_is_not_and_the_change_is_left_to_recover() throws Exception {
        String change = changes.run(
                Kind.UPDATE,
                "t",
                Optional.empty(),
                true,
                "UPDATE app.t SET v = 0 WHERE id < 4",
                "UPDATE app.t SET v = 9 WHERE id = 2");
        List<String> before = contents();

        assertThatThrownBy(() -> changes.undo(change))
                .isInstanceOf(RecoveryException.class)
                .hasNoCause()
                .hasMessageContaining("later statements of its transaction may have made rows under the same number")
                .hasMessageContaining("backstop recover");
        assertThat(contents()).isEqualTo(before);
    }

    @Test
    void deleted_rows_that_a_later_statement_of_the_same_transaction_wrote_again_stay() throws Exception {
        String change = changes.run(
                Kind.DELETE, "t", Optional.empty(), true, "DELETE FROM app.t", "INSERT INTO app.t VALUES (2, 77)");

        assertThat(changes.undo(change).conflicts())
                .extracting(UndoConflict::key, UndoConflict::reason)
                .containsExactly(tuple(Map.of("id", "2"), Reason.REWRITTEN));
    }

    @Test
    void a_statement_whose_process_died_is_undone_where_the_server_knows_that_it_was_committed() throws Exception {
        List<String> before = contents();
        String change = changes.run(Kind.UPDATE, "t", Optional.empty(), false, "UPDATE app.t SET v = 0", "");

        assertThat(changes.undo(change).outcome()).isEqualTo(Outcome.UNDONE);
        assertThat(contents()).isEqualTo(before);
    }

    @Test
    void rows_that_refer_to_what_is_gone_since_are_named() throws Exception {
        String change = changes.rows(Kind.DELETE, "orders", "id < 4", "DELETE FROM app.orders WHERE id < 4");
        database.run("DELETE FROM app.users WHERE id = 3");

        UndoReport refused = changes.undo(change);

        assertThat(refused.conflicts())
                .extracting(UndoConflict::key, UndoConflict::reason, UndoConflict::constraint)
                .containsExactly(tuple(Map.of("id", "2"), Reason.REFERENCE_GONE, Optional.of("orders_owner_fkey")));
        assertThat(changes.undo(change, true).outcome()).isEqualTo(Outcome.UNDONE);
        assertThat(database.value("SELECT count(*) FROM app.orders WHERE id IN (1, 3)"))
                .isEqualTo("2");
    }

    @Test
    void rows_that_others_refer_to_since_are_named_and_nothing_goes_with_them() throws Exception {
        String change = changes.rows(Kind.DELETE, "users", "id < 3", "DELETE FROM app.users WHERE id < 3");
        String undo = changes.undo(change).undo().orElseThrow();
        database.run("INSERT INTO app.orders VALUES (100, 1)");
        List<String> before = contents();

        UndoReport refused = changes.undo(undo);

        assertThat(refused.conflicts())
                .extracting(conflict -> conflict.table().name(), UndoConflict::key, UndoConflict::reason)
                .containsExactly(tuple("users", Map.of("id", "1"), Reason.REFERENCED));
        assertThat(contents()).isEqualTo(before);
    }

    @Test
    void rows_of_children_that_went_rightly_since_do_not_come_back_with_their_parents() throws Exception {
        String change = changes.rows(Kind.DELETE, "users", "id < 3", "DELETE FROM app.users WHERE id < 3");
        database.run("DELETE FROM app.orders WHERE owner = 4", "UPDATE app.orders SET id = 50 WHERE id = 4");

        UndoReport undone = changes.undo(change);

        assertThat(undone.outcome()).isEqualTo(Outcome.UNDONE);
        assertThat(database.rows("SELECT owner, count(*), max(id) FROM app.orders GROUP BY 1 ORDER BY 1"))
                .containsExactly("1|2|10", "2|2|6", "3|2|7", "5|2|50");
    }

    @Test
    void a_foreign_key_that_follows_a_value_follows_it_back() throws Exception {
        database.run(
                "CREATE TABLE app.named (id int PRIMARY KEY, code text REFERENCES app.users (code) ON UPDATE CASCADE)",
                "INSERT INTO app.named SELECT i, 'c' || i FROM generate_series(1, 5) i");
        List<String> before = contents();
        String change = changes.whole(Kind.UPDATE, "users", "UPDATE app.users SET code = code || 'x'");
        List<String> after = contents();

        String undo = changes.undo(change).undo().orElseThrow();
        assertThat(contents()).isEqualTo(before);
        assertThat(changes.undo(undo).outcome()).isEqualTo(Outcome.UNDONE);
        assertThat(contents()).isEqualTo(after);

        String next = changes.whole(Kind.UPDATE, "users", "UPDATE app.users SET code = code || 'y'");
        database.run("INSERT INTO app.named VALUES (100, 'c1xy')");
        assertThatThrownBy(() -> changes.undo(next))
                .as("it would follow too")
                .isInstanceOf(RecoveryException.class)
                .hasMessageContaining("by a foreign key's action");
        assertThat(database.value("SELECT code FROM app.named WHERE id = 100")).isEqualTo("c1xy");
    }

    @Test
    void keys_that_moved_are_put_back_only_where_all_of_them_are_there() throws Exception {
        database.run(
                "CREATE FUNCTION app.more() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.id = 101 THEN INSERT INTO"
                        + " app.t VALUES (500, 0); END IF; RETURN NEW; END'",
                "CREATE TRIGGER more AFTER UPDATE ON app.t FOR EACH ROW EXECUTE FUNCTION app.more()");
        String change = changes.whole(Kind.UPDATE, "t", "UPDATE app.t SET id = id + 100");
        // As many rows are there under other keys as are missing, and they are not the same.
        database.run("DELETE FROM app.t WHERE id = 103");
        List<String> before = contents();

        assertThatThrownBy(() -> changes.undo(change))
                .isInstanceOf(RecoveryException.class)
                .hasMessageContaining("inserted rows into the same table too");
        assertThat(contents()).isEqualTo(before);
    }

    @Test
    void triggers_and_rules_do_not_run_and_are_on_again_afterwards() throws Exception {
        database.run(
                "CREATE FUNCTION app.no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
                "CREATE TRIGGER stops BEFORE INSERT OR UPDATE ON app.t FOR EACH ROW WHEN (NEW.v > 0) EXECUTE FUNCTION"
                        + " app.no()",
                "CREATE RULE keeps AS ON INSERT TO app.orders DO INSTEAD NOTHING");
        List<String> before = contents();
        String first = changes.whole(Kind.UPDATE, "t", "UPDATE app.t SET v = -v");
        String second = changes.whole(Kind.TRUNCATE, "orders", "TRUNCATE app.orders");

        assertThat(changes.undo(first).outcome()).isEqualTo(Outcome.UNDONE);
        assertThat(changes.undo(second).outcome()).isEqualTo(Outcome.UNDONE);
        assertThat(contents()).isEqualTo(before);
    }

    @Test
    void a_sequence_never_moves_backwards() throws Exception {
        String change = changes.whole(Kind.TRUNCATE, "orders", "TRUNCATE app.orders RESTART IDENTITY");
        database.run("SELECT setval('app.orders_id_seq', 1000)");

        assertThat(changes.undo(change).outcome()).isEqualTo(Outcome.UNDONE);
        assertThat(database.value("SELECT last_value FROM app.orders_id_seq")).isEqualTo("1000");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "ALTER TABLE app.t DROP v                           | has other columns",
                "ALTER TABLE app.t ADD w int                        | has other columns",
                "ALTER TABLE app.t ALTER v TYPE bigint              | has other columns",
                "ALTER TABLE app.t DROP v, ADD v int                | has other columns",
                "DROP TABLE app.t                                   | is gone",
            })
    void a_table_that_is_made_otherwise_since_is_left_to_recover(String ddl, String problem) throws Exception {
        String change = changes.whole(Kind.UPDATE, "t", "UPDATE app.t SET v = 0");
        database.run(ddl);

        assertThatThrownBy(() -> changes.undo(change))
                .isInstanceOf(RecoveryException.class)
                .hasNoCause()
                .hasMessageContaining(problem)
                .hasMessageContaining("backstop recover");
    }

    @Test
    void a_change_is_undone_once() throws Exception {
        String change = changes.whole(Kind.UPDATE, "t", "UPDATE app.t SET v = 0");
        String undo = changes.undo(change).undo().orElseThrow();

        UndoReport again = changes.undo(change);

        assertThat(again.outcome()).isEqualTo(Outcome.NOTHING_TO_DO);
        assertThat(again.undo()).isEmpty();
        assertThat(again.notes()).anyMatch(note -> note.contains("undone already, as " + undo));
    }

    @Test
    void of_two_at_once_one_finds_nothing_to_do() throws Exception {
        String change = changes.whole(Kind.DELETE, "t", "DELETE FROM app.t");
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            Future<UndoReport> one = threads.submit(() -> changes.undo(change));
            Future<UndoReport> other = threads.submit(() -> changes.undo(change));
            assertThat(List.of(one.get().outcome(), other.get().outcome()))
                    .containsExactlyInAnyOrder(Outcome.UNDONE, Outcome.NOTHING_TO_DO);
        } finally {
            threads.shutdownNow();
        }
        assertThat(database.value("SELECT count(*) FROM app.t")).isEqualTo("10");
    }

    @Test
    void a_writer_who_comes_in_between_is_waited_for_and_seen() throws Exception {
        String change = changes.whole(Kind.UPDATE, "t", "UPDATE app.t SET v = 0");
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try (Connection writer = database.connect();
                Statement statement = writer.createStatement()) {
            writer.setAutoCommit(false);
            statement.execute("UPDATE app.t SET v = 5 WHERE id = 2");
            Future<UndoReport> undo = thread.submit(() -> changes.undo(change));
            while (database.value("SELECT count(*) FROM pg_locks WHERE NOT granted")
                    .equals("0")) {
                Thread.onSpinWait();
            }
            writer.commit();
            assertThat(undo.get().conflicts())
                    .extracting(UndoConflict::key, UndoConflict::reason)
                    .containsExactly(tuple(Map.of("id", "2"), Reason.CHANGED));
        } finally {
            thread.shutdownNow();
        }
    }

    @ParameterizedTest
    @CsvSource({"false", "true"})
    void stopped_before_any_object_it_has_changed_nothing_and_can_be_run_again(boolean killed) throws Exception {
        List<String> wanted = contents();
        String change = changes.rows(Kind.DELETE, "users", "id < 3", "DELETE FROM app.users WHERE id < 3");
        List<String> lost = contents();
        int last = 0;
        for (int n = 1; last == 0; n++) {
            AtomicInteger countdown = new AtomicInteger(n);
            AtomicInteger stopped = new AtomicInteger();
            store.before(name -> {
                if (!name.endsWith("/committed.json") && countdown.decrementAndGet() == 0) {
                    stopped.incrementAndGet();
                    stop(killed);
                }
            });
            try {
                assertThat(changes.undo(change).outcome()).isEqualTo(Outcome.UNDONE);
                last = n;
                assertThat(stopped).hasValue(0);
            } catch (RecoveryException e) {
                assertThat(contents()).as("stopped before object " + n).isEqualTo(lost);
            }
        }
        assertThat(last).isGreaterThan(8);
        assertThat(contents()).isEqualTo(wanted);
    }

    private void stop(boolean killed) throws IOException {
        if (!killed) {
            throw new IOException("no room");
        }
        try {
            database.run("SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE"
                    + " relation = 'app.users'::regclass AND mode = 'ShareRowExclusiveLock'");
        } catch (SQLException e) {
            throw new IOException(e);
        }
    }

    @Test
    void an_undo_whose_process_died_after_its_commit_can_be_undone() throws Exception {
        String change = changes.whole(Kind.DELETE, "t", "DELETE FROM app.t");
        List<String> lost = contents();
        store.before(name -> {
            if (name.endsWith("/committed.json")) {
                throw new IOException("gone");
            }
        });
        String undo = changes.undo(change).undo().orElseThrow();
        store.before(name -> {});

        assertThat(changes.undo(undo).outcome()).isEqualTo(Outcome.UNDONE);
        assertThat(contents()).isEqualTo(lost);
    }

    @ParameterizedTest
    @CsvSource({"zst", "manifest.json"})
    void damaged_snapshots_change_nothing(String ending) throws Exception {
        String change = changes.whole(Kind.DELETE, "t", "DELETE FROM app.t");
        store.damage(ending);

        assertThatThrownBy(() -> changes.undo(change)).isInstanceOf(RecoveryException.class);
        assertThat(database.value("SELECT count(*) FROM app.t")).isEqualTo("0");
    }

    @Test
    void a_recovery_does_not_take_what_an_undo_stored_for_what_was_lost() throws Exception {
        String change = changes.whole(Kind.DELETE, "t", "DELETE FROM app.t");
        changes.undo(changes.undo(change).undo().orElseThrow());

        try (Connection connection = database.connect()) {
            RecoveryReport report =
                    new GuidedRecovery(new SnapshotArchive(store)).recover(connection, "app.t", RestoreProgress.SILENT);
            assertThat(report.copyback().sql()).contains("10 stored rows missing");
        }
    }
}
