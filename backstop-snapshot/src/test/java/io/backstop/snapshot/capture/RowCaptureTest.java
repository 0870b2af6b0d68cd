package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.RowMismatch;
import io.backstop.api.snapshot.RowQuery;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.snapshot.internal.lock.LockedRowIdentities;
import io.backstop.snapshot.store.MemoryObjectStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

import static io.backstop.snapshot.capture.Securing.begin;
import static io.backstop.snapshot.capture.Securing.plain;
import static io.backstop.snapshot.capture.Securing.run;
import static io.backstop.snapshot.capture.Securing.tables;
import static io.backstop.snapshot.capture.Securing.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

/** Rows saved one by one are the rows that the statement takes, or it is told that they are not. */
@ExtendWith(PostgresExtension.class)
class RowCaptureTest {
    private static final Optional<RowMismatch> SAME = Optional.empty();

    private final MemoryObjectStore store = new MemoryObjectStore();
    private final Securing securing = new Securing(store);
    private TestDatabase database;

    @BeforeEach
    void create(TestDatabase database) throws SQLException {
        this.database = database;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE t (id int PRIMARY KEY, k int, v text)",
                "INSERT INTO t SELECT i, i % 10, 'v' || i FROM generate_series(1, 100) i");
    }

    private SecuredRows secure(Connection connection, Kind kind, String table, String query)
            throws RecoveryNotReadyException {
        return secure(securing, connection, kind, table, query, Long.MAX_VALUE);
    }

    private static SecuredRows secure(
            Securing securing, Connection connection, Kind kind, String table, String query, long maxBytes)
            throws RecoveryNotReadyException {
        return securing.service.secureRows(
                connection,
                Connections.NONE,
                Securing.request(List.of(plain(kind, table)), List.of(), maxBytes),
                new RowQuery(query, true),
                Progress.SILENT);
    }

    private static String query(String condition) {
        return "SELECT t.tableoid, t.ctid FROM t WHERE (" + condition + ") FOR UPDATE OF t";
    }

    private static List<Coverage> coverage(SecuredRows secured) {
        return secured.manifests().stream().map(SnapshotManifest::coverage).toList();
    }

    private List<String> stored(SecuredRows secured) throws Exception {
        List<String> rows = new ArrayList<>();
        for (SnapshotManifest manifest : secured.manifests()) {
            rows.addAll(securing.rows(database, manifest));
        }
        return rows.stream().sorted().toList();
    }

    private List<String> truth(String condition) throws SQLException {
        return database.rows("SELECT concat_ws(E'\\t', id, k, v) FROM t WHERE " + condition).stream()
                .sorted()
                .toList();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "DELETE | DELETE FROM t WHERE k = 3                                  | k = 3",
                "UPDATE | UPDATE t SET v = 'x' WHERE k = 3                           | k = 3",
                "UPDATE | UPDATE t SET v = v WHERE k = 3                             | k = 3",
                "UPDATE | UPDATE t SET id = id + 1000 WHERE k = 3                    | k = 3",
                "DELETE | DELETE FROM t USING generate_series(1, 3) g WHERE k = 3    | k = 3",
                "UPDATE | UPDATE t SET v = u.v FROM t u WHERE t.k = u.k AND t.k = 3  | k = 3",
                "DELETE | DELETE FROM t WHERE id = 1                                 | id = 1",
            })
    void the_rows_that_a_statement_takes_are_saved_and_no_others(Kind kind, String sql, String condition)
            throws Exception {
        List<String> rows = truth(condition);
        try (Connection connection = begin(database)) {
            SecuredRows secured = secure(connection, kind, "t", query(condition));
            run(connection, sql);
            assertThat(secured.otherRowsTaken()).isEqualTo(SAME);
            secured.confirmNothingElseWasDestroyed();
            connection.commit();
            assertThat(coverage(secured)).containsExactly(Coverage.ROWS);
            assertThat(stored(secured)).isEqualTo(rows).isNotEmpty();
            assertThat(securing.checksum(Securing.only(secured)))
                    .isEqualTo(Securing.only(secured).rowChecksum());
        }
    }

    @Test
    void others_go_on_with_the_rest_of_the_table_meanwhile() throws Exception {
        try (Connection connection = begin(database);
                Connection other = database.connect()) {
            SecuredRows secured = secure(connection, Kind.DELETE, "t", query("k = 3"));
            run(
                    other,
                    "SET lock_timeout = '5s'",
                    "UPDATE t SET v = 'other' WHERE k = 4",
                    "DELETE FROM t WHERE k = 5",
                    "INSERT INTO t VALUES (1000, 4, 'other')");
            run(connection, "DELETE FROM t WHERE k = 3");
            assertThat(secured.otherRowsTaken()).isEqualTo(SAME);
            secured.confirmNothingElseWasDestroyed();
        }
    }

    @Test
    void nobody_else_changes_a_saved_row() throws Exception {
        try (Connection connection = begin(database);
                Connection other = database.connect()) {
            secure(connection, Kind.DELETE, "t", query("k = 3"));
            run(other, "SET lock_timeout = '100ms'");
            assertThatThrownBy(() -> run(other, "UPDATE t SET v = 'other' WHERE id = 3"))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("55P03"));
            assertThatThrownBy(() -> run(other, "ALTER TABLE t ADD COLUMN w int"))
                    .isInstanceOf(SQLException.class);
        }
    }

    @Test
    void who_waits_for_a_saved_row_goes_on_when_the_statement_is_undone() throws Exception {
        try (Connection connection = begin(database);
                Connection other = database.connect()) {
            run(connection, "INSERT INTO t VALUES (1000, 0, 'mine')", "SAVEPOINT statement");
            secure(connection, Kind.DELETE, "t", query("k = 3"));
            run(connection, "DELETE FROM t WHERE k = 3");
            CompletableFuture<Void> waiting = CompletableFuture.runAsync(() -> {
                try {
                    run(other, "UPDATE t SET v = 'other' WHERE id = 3");
                } catch (SQLException e) {
                    throw new IllegalStateException(e);
                }
            });
            String pid = String.valueOf(other.unwrap(PGConnection.class).getBackendPID());
            while (!value(connection, "SELECT pg_backend_pid() = ANY (pg_blocking_pids(" + pid + "))")
                    .equals("t")) {
                assertThat(waiting).isNotDone();
            }
            run(connection, "ROLLBACK TO statement");
            waiting.join();
            run(connection, "LOCK TABLE t IN SHARE ROW EXCLUSIVE MODE");
        }
    }

    @Test
    void a_row_that_came_in_between_is_noticed() throws Exception {
        try (Connection connection = begin(database);
                Connection other = database.connect()) {
            SecuredRows secured = secure(connection, Kind.DELETE, "t", query("k = 3"));
            run(other, "INSERT INTO t VALUES (1000, 3, 'new')");
            run(connection, "DELETE FROM t WHERE k = 3");
            assertThat(secured.otherRowsTaken()).contains(new RowMismatch("public.t", 10, 10, 11, false));
        }
    }

    @Test
    void one_row_more_and_one_less_are_noticed() throws Exception {
        try (Connection connection = begin(database)) {
            SecuredRows secured = secure(connection, Kind.UPDATE, "t", query("id IN (1, 2, 3)"));
            run(connection, "UPDATE t SET v = 'x' WHERE id IN (2, 3, 4)");
            assertThat(secured.otherRowsTaken()).contains(new RowMismatch("public.t", 3, 2, 3, false));
        }
    }

    @Test
    void what_is_stored_for_nothing_can_be_removed() throws Exception {
        try (Connection connection = begin(database)) {
            SecuredRows secured = secure(connection, Kind.DELETE, "t", query("k = 3"));
            assertThat(store.list("")).isNotEmpty();
            secured.discard(new SQLException("for a test"));
            assertThat(store.list("")).isEmpty();
        }
    }

    @Test
    void where_no_row_is_found_nothing_is_stored_and_none_may_be_taken() throws Exception {
        try (Connection connection = begin(database);
                Connection other = database.connect()) {
            SecuredRows secured = secure(connection, Kind.DELETE, "t", query("k = 77"));
            assertThat(secured.manifests()).isEmpty();
            run(connection, "DELETE FROM t WHERE k = 77");
            assertThat(secured.otherRowsTaken()).isEqualTo(SAME);
            run(other, "INSERT INTO t VALUES (1000, 77, 'new')");
            run(connection, "DELETE FROM t WHERE k = 77");
            assertThat(secured.otherRowsTaken()).contains(new RowMismatch("public.t", 0, 0, 1, false));
        }
        assertThat(store.list("")).isEmpty();
    }

    @Test
    void the_transactions_own_changes_are_what_is_taken() throws Exception {
        try (Connection connection = begin(database)) {
            run(
                    connection,
                    "UPDATE t SET v = 'mine' WHERE id = 3",
                    "INSERT INTO t VALUES (1003, 3, 'mine too')",
                    "SAVEPOINT a",
                    "DELETE FROM t WHERE id = 13",
                    "ROLLBACK TO a",
                    "DELETE FROM t WHERE id = 23");
            SecuredRows secured = secure(connection, Kind.DELETE, "t", query("k = 3"));
            run(connection, "SAVEPOINT b", "DELETE FROM t WHERE k = 3", "RELEASE b");
            assertThat(secured.otherRowsTaken()).isEqualTo(SAME);
            secured.confirmNothingElseWasDestroyed();
            assertThat(stored(secured))
                    .hasSize(10)
                    .contains("3\t3\tmine", "1003\t3\tmine too", "13\t3\tv13")
                    .doesNotContain("23\t3\tv23");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"REPEATABLE READ", "SERIALIZABLE"})
    void an_older_snapshot_saves_and_takes_what_it_sees(String level) throws Exception {
        try (Connection connection = begin(database);
                Connection other = database.connect()) {
            run(connection, "SET TRANSACTION ISOLATION LEVEL " + level);
            value(connection, "SELECT count(*) FROM t");
            run(other, "INSERT INTO t VALUES (1003, 3, 'unseen')");
            SecuredRows secured = secure(connection, Kind.DELETE, "t", query("k = 3"));
            run(connection, "DELETE FROM t WHERE k = 3");
            assertThat(secured.otherRowsTaken()).isEqualTo(SAME);
            secured.confirmNothingElseWasDestroyed();
            connection.commit();
            assertThat(coverage(secured)).containsExactly(Coverage.ROWS);
            assertThat(stored(secured)).hasSize(10);
        }
        assertThat(truth("k = 3")).containsExactly("1003\t3\tunseen");
    }

    @ParameterizedTest
    @ValueSource(strings = {"REPEATABLE READ", "SERIALIZABLE"})
    void the_first_statement_of_a_stricter_transaction_is_saved_by_row_too(String level) throws Exception {
        try (Connection connection = begin(database)) {
            run(connection, "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL " + level);
            connection.commit();
            SecuredRows secured = secure(connection, Kind.DELETE, "t", query("k = 3"));
            run(connection, "DELETE FROM t WHERE k = 3");
            assertThat(secured.otherRowsTaken()).isEqualTo(SAME);
            secured.confirmNothingElseWasDestroyed();
            connection.commit();
            assertThat(coverage(secured)).containsExactly(Coverage.ROWS);
        }
        assertThat(truth("k = 3")).isEmpty();
    }

    @Test
    void rows_of_partitions_are_saved_where_they_are_also_when_they_move() throws Exception {
        database.run(
                "CREATE TABLE p (id int, k int) PARTITION BY LIST (k)",
                "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)",
                "CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2)",
                "CREATE TABLE p3 PARTITION OF p FOR VALUES IN (3)",
                "INSERT INTO p SELECT i, 1 + i % 3 FROM generate_series(1, 30) i");
        try (Connection connection = begin(database)) {
            SecuredRows secured = secure(
                    connection,
                    Kind.UPDATE,
                    "p",
                    "SELECT p.tableoid, p.ctid FROM p WHERE (k < 3 AND id < 10) FOR UPDATE OF p");
            run(connection, "UPDATE p SET k = k + 1 WHERE k < 3 AND id < 10");
            assertThat(secured.otherRowsTaken()).isEqualTo(SAME);
            secured.confirmNothingElseWasDestroyed();
            // The one that is named holds none, but is what somebody will look for.
            assertThat(tables(secured)).containsExactlyInAnyOrder("public.p", "public.p1", "public.p2");
            assertThat(coverage(secured)).containsOnly(Coverage.ROWS);
            assertThat(stored(secured)).containsExactly("1\t2", "3\t1", "4\t2", "6\t1", "7\t2", "9\t1");
        }
    }

    @Test
    void a_partition_that_is_attached_in_between_is_noticed() throws Exception {
        database.run(
                "CREATE TABLE p (id int, k int) PARTITION BY LIST (k)",
                "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)",
                "CREATE TABLE p2 (id int, k int)",
                "INSERT INTO p SELECT i, 1 FROM generate_series(1, 3) i",
                "INSERT INTO p2 SELECT i, 2 FROM generate_series(1, 3) i");
        try (Connection connection = begin(database);
                Connection other = database.connect()) {
            SecuredRows secured = secure(
                    connection, Kind.DELETE, "p", "SELECT p.tableoid, p.ctid FROM p WHERE (id = 2) FOR UPDATE OF p");
            run(other, "ALTER TABLE p ATTACH PARTITION p2 FOR VALUES IN (2)");
            run(connection, "DELETE FROM p WHERE id = 2");
            assertThat(secured.otherRowsTaken()).isEqualTo(SAME); // of what was known then
            assertThatThrownBy(secured::confirmNothingElseWasDestroyed)
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageStartingWith("table public.p2 had rows updated or deleted by the statement");
        }
    }

    @Test
    void rows_of_a_foreign_key_that_cascades_are_saved_with_their_table() throws Exception {
        database.run(
                "CREATE TABLE c (id int, t int REFERENCES t ON DELETE CASCADE)",
                "INSERT INTO c SELECT i, i FROM generate_series(1, 20) i");
        try (Connection connection = begin(database)) {
            SecuredRows secured = secure(connection, Kind.DELETE, "t", query("k = 3"));
            run(connection, "DELETE FROM t WHERE k = 3");
            assertThat(secured.otherRowsTaken()).isEqualTo(SAME);
            secured.confirmNothingElseWasDestroyed();
            assertThat(tables(secured)).containsExactly("public.c", "public.t");
            assertThat(secured.manifests())
                    .extracting(SnapshotManifest::table, SnapshotManifest::coverage, SnapshotManifest::rowCount)
                    .containsExactlyInAnyOrder(tuple("t", Coverage.ROWS, 10L), tuple("c", Coverage.TABLE, 20L));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE t ADD COLUMN up int REFERENCES t ON DELETE CASCADE",
                "ALTER TABLE t ADD COLUMN up int REFERENCES t ON DELETE SET NULL",
                "CREATE RULE r AS ON DELETE TO t DO ALSO SELECT 1",
                "CREATE VIEW w AS SELECT * FROM t; ALTER TABLE t RENAME TO u; ALTER VIEW w RENAME TO t",
            })
    void whole_tables_are_saved_where_more_than_the_condition_decides(String change) throws Exception {
        database.run(change);
        try (Connection connection = begin(database)) {
            SecuredRows secured = secure(connection, Kind.DELETE, "t", query("k = 3"));
            run(connection, "DELETE FROM t WHERE k = 3");
            assertThat(secured.otherRowsTaken()).isEqualTo(SAME);
            secured.confirmNothingElseWasDestroyed();
            assertThat(coverage(secured)).containsExactly(Coverage.TABLE);
            assertThat(stored(secured)).hasSize(100);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "skips a row            | BEFORE DELETE | IF OLD.id = 3 THEN RETURN NULL; END IF; RETURN OLD;   | 10 |  9 |  9",
                "updates another row    | AFTER DELETE  | UPDATE t SET v = 'x' WHERE id = OLD.id + 1; RETURN OLD; | 10 | 10 | 20",
                "deletes another row    | AFTER DELETE  | DELETE FROM t WHERE id = OLD.id + 1; RETURN OLD;        | 10 | 10 | 20",
                "takes back a deletion  | AFTER DELETE  | BEGIN DELETE FROM t WHERE id = OLD.id + 1; RAISE 'no';"
                        + " EXCEPTION WHEN OTHERS THEN END; RETURN OLD;                                          | 10 | 10 | 20",
                "swaps one for another  | BEFORE DELETE | IF OLD.id = 3 THEN DELETE FROM t WHERE id = 4;"
                        + " RETURN NULL; END IF; RETURN OLD;                                                     | 10 |  9 | 10",
            })
    void a_trigger_that_takes_other_rows_is_noticed(
            String what, String when, String body, long saved, long gone, long taken) throws Exception {
        database.run(
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " + body + " END $$",
                "CREATE TRIGGER f " + when + " ON t FOR EACH ROW WHEN (OLD.k = 3) EXECUTE FUNCTION f()");
        try (Connection connection = begin(database)) {
            SecuredRows secured = secure(connection, Kind.DELETE, "t", query("k = 3"));
            run(connection, "DELETE FROM t WHERE k = 3");
            assertThat(secured.otherRowsTaken())
                    .as(what)
                    .contains(new RowMismatch("public.t", saved, gone, taken, true));
        }
    }

    @Test
    void a_trigger_that_changes_the_new_row_is_nothing_to_notice() throws Exception {
        database.run(
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.v = ''touched''; RETURN NEW; END'",
                "CREATE TRIGGER f BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()");
        try (Connection connection = begin(database)) {
            SecuredRows secured = secure(connection, Kind.UPDATE, "t", query("k = 3"));
            run(connection, "UPDATE t SET v = 'x' WHERE k = 3");
            assertThat(secured.otherRowsTaken()).isEqualTo(SAME);
            assertThat(coverage(secured)).containsExactly(Coverage.ROWS);
        }
    }

    @Test
    void a_truncated_partition_is_noticed() throws Exception {
        database.run(
                "CREATE TABLE p (id int, k int) PARTITION BY LIST (k)",
                "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)",
                "CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2)",
                "INSERT INTO p SELECT i, 1 + i % 2 FROM generate_series(1, 4) i",
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN TRUNCATE p2; RETURN NULL; END'",
                "CREATE TRIGGER f AFTER DELETE ON p FOR EACH STATEMENT EXECUTE FUNCTION f()");
        try (Connection connection = begin(database)) {
            SecuredRows secured = secure(
                    connection,
                    Kind.DELETE,
                    "p",
                    "SELECT p.tableoid, p.ctid FROM p WHERE (k = 1 AND id = 2) FOR UPDATE OF p");
            run(connection, "DELETE FROM p WHERE k = 1 AND id = 2");
            assertThat(secured.otherRowsTaken()).isEqualTo(SAME); // a truncation is not counted by rows
            assertThatThrownBy(secured::confirmNothingElseWasDestroyed)
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageStartingWith("table public.p2 was truncated or rewritten by the statement");
        }
    }

    @Test
    void what_a_function_in_the_query_destroys_is_noticed() throws Exception {
        database.run(
                "CREATE TABLE other AS SELECT * FROM t",
                "CREATE FUNCTION f(which int) RETURNS boolean LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM other WHERE id = which; RETURN which % 10 = 3; END'");
        try (Connection connection = begin(database)) {
            SecuredRows secured = secure(connection, Kind.DELETE, "t", query("f(id)"));
            run(connection, "DELETE FROM t WHERE k = 3");
            assertThat(secured.otherRowsTaken()).isEqualTo(SAME);
            assertThatThrownBy(secured::confirmNothingElseWasDestroyed)
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageStartingWith("table public.other had rows updated or deleted by the statement");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT t.tableoid, t.ctid FROM t WHERE (nothing = 1) FOR UPDATE OF t",
                "SELECT t.tableoid, t.ctid FROM t WHERE (id = 'top-secret'::int) FOR UPDATE OF t",
                "SELECT u.tableoid, u.ctid FROM u WHERE (k = 3) FOR UPDATE OF u",
                "and no SQL at all"
            })
    void a_query_that_cannot_be_sent_leads_to_whole_tables(String query) throws Exception {
        database.run("CREATE TABLE u AS SELECT * FROM t");
        try (Connection connection = begin(database)) {
            SecuredRows secured = secure(connection, Kind.DELETE, "t", query);
            assertThat(tables(secured)).containsExactly("public.t");
            assertThat(coverage(secured)).containsExactly(Coverage.TABLE);
            run(connection, "DELETE FROM t WHERE k = 3");
            secured.confirmNothingElseWasDestroyed();
        }
    }

    @Test
    void too_many_rows_lead_to_whole_tables() throws Exception {
        database.run("INSERT INTO t SELECT i, 100, '' FROM generate_series(1000, " + (1001 + LockedRowIdentities.MOST)
                + ") i");
        try (Connection connection = begin(database)) {
            assertThat(coverage(secure(connection, Kind.DELETE, "t", query("k = 100"))))
                    .containsExactly(Coverage.TABLE);
        }
    }

    @Test
    void many_rows_are_read_in_several_parts() throws Exception {
        database.run("INSERT INTO t SELECT i, 100, 'v' || i FROM generate_series(1001, 26000) i");
        List<String> rows = truth("k = 100");
        try (Connection connection = begin(database)) {
            SecuredRows secured = secure(connection, Kind.DELETE, "t", query("k = 100"));
            run(connection, "DELETE FROM t WHERE k = 100");
            assertThat(secured.otherRowsTaken()).isEqualTo(SAME);
            assertThat(coverage(secured)).containsExactly(Coverage.ROWS);
            assertThat(stored(secured)).isEqualTo(rows);
        }
    }

    @Test
    void the_size_of_the_rows_is_bounded_and_not_that_of_the_table() throws Exception {
        database.run(
                "ALTER TABLE t ALTER COLUMN v SET STORAGE EXTERNAL",
                "UPDATE t SET v = repeat('x', 100000) WHERE k = 4",
                "INSERT INTO t SELECT i, 5, 'x' FROM generate_series(1000, 9000) i");
        try (Connection connection = begin(database)) {
            assertThat(coverage(secure(securing, connection, Kind.DELETE, "t", query("k = 3"), 10_000)))
                    .containsExactly(Coverage.ROWS);
            connection.rollback();
            assertThatThrownBy(() -> secure(securing, connection, Kind.DELETE, "t", query("k = 4"), 900_000))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageStartingWith("the rows that the statement takes (public.t) take 1000080 bytes on disk")
                    .hasMessageContaining("more than the 900000 that may be saved inline");
            assertThat(value(connection, "SELECT count(*) FROM t WHERE k = 4")).isEqualTo("10");
        }
    }

    @Test
    void rows_that_somebody_holds_for_long_are_refused_without_their_values() throws Exception {
        Securing impatient = new Securing(store, Duration.ofMillis(200));
        try (Connection connection = begin(database);
                Connection other = begin(database)) {
            run(other, "UPDATE t SET v = 'other' WHERE id = 3");
            assertThatThrownBy(() -> secure(
                            impatient, connection, Kind.DELETE, "t", query("k = 3 AND v <> 'top-secret'"), 1_000_000))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessage(
                            "the rows could not be saved: the rows that the statement would take could not be locked"
                                    + " [55P03]; nothing was changed\nHINT: another transaction held a lock on it for too long;"
                                    + " run it again later")
                    .hasStackTraceContaining("55P03")
                    .satisfies(e -> assertThat(stackTrace(e)).doesNotContain("top-secret"));
            assertThat(value(connection, "SHOW lock_timeout")).isEqualTo("0");
            assertThat(value(connection, "SELECT count(*) FROM t")).isEqualTo("100");
        }
    }

    private static String stackTrace(Throwable failure) {
        java.io.StringWriter text = new java.io.StringWriter();
        failure.printStackTrace(new java.io.PrintWriter(text, true));
        return text.toString();
    }

    @Test
    void rows_that_row_security_may_hide_are_refused() throws Exception {
        database.run(
                "DROP ROLE IF EXISTS clerk",
                "CREATE ROLE clerk",
                "GRANT USAGE ON SCHEMA public TO clerk",
                "GRANT ALL ON t TO clerk",
                "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY few ON t TO clerk USING (id < 50)");
        try (Connection connection = begin(database)) {
            run(connection, "SET ROLE clerk");
            assertThatThrownBy(() -> secure(connection, Kind.DELETE, "t", query("k = 3")))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageContaining("row-level security policy");
        } finally {
            database.run("DROP OWNED BY clerk", "DROP ROLE clerk");
        }
    }

    @Test
    void the_session_is_as_it_was() throws Exception {
        try (Connection connection = begin(database)) {
            run(connection, "SET datestyle = 'ISO, DMY'", "SET search_path = public, pg_temp");
            String before = value(connection, "SELECT string_agg(name || setting, ',' ORDER BY name) FROM pg_settings");
            connection.commit();
            SecuredRows secured = secure(connection, Kind.DELETE, "t", query("k = 3"));
            run(connection, "DELETE FROM t WHERE k = 3");
            assertThat(secured.otherRowsTaken()).isEqualTo(SAME);
            assertThat(value(connection, "SELECT string_agg(name || setting, ',' ORDER BY name) FROM pg_settings"))
                    .isEqualTo(before);
        }
    }
}
