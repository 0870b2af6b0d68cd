package io.backstop.recovery;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.RowQuery;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.recovery.model.CopybackCounts;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RecoveryPoint;
import io.backstop.recovery.model.Rehearsal;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.capture.PostgresSnapshotService;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What others wrote after the lost statement stays as it is, is not there twice, and is counted. */
@ExtendWith(PostgresExtension.class)
@Sampled
class RowsWrittenSinceTest {
    private final TestDatabase database;
    private final ObjectStore store;
    private final PostgresSnapshotService snapshots;

    RowsWrittenSinceTest(TestDatabase database, @TempDir Path folder) {
        this.database = database;
        this.store = ObjectStores.open(folder.toUri().toString());
        this.snapshots = new PostgresSnapshotService(
                store,
                new SnapshotSettings(
                        folder.toUri().toString(), SnapshotSettings.DEFAULT_LOCK_TIMEOUT, Clock.systemUTC()));
    }

    /** How a statement is secured. */
    private enum Secured {
        /** The table, by a statement in a transaction of its own. */
        TABLE,
        /** The table, in a transaction of the caller's. */
        IN_TRANSACTION,
        /** The table, behind a savepoint of the caller's. */
        BEHIND_SAVEPOINT,
        /** The rows that it takes. */
        ROWS,
        /** The same, and the process dies before it can say which transactions the statement ran in. */
        ROWS_UNMARKED;

        boolean areRows() {
            return this == ROWS || this == ROWS_UNMARKED;
        }
    }

    @BeforeEach
    void createTable() throws SQLException {
        database.run(
                "DROP SCHEMA IF EXISTS app CASCADE",
                "CREATE SCHEMA app",
                "CREATE TABLE app.t (id int PRIMARY KEY, v int)",
                "INSERT INTO app.t SELECT i, i FROM generate_series(1, 10) i");
    }

    @AfterEach
    void close() {
        snapshots.close();
    }

    @ParameterizedTest
    @EnumSource
    void rows_that_a_delete_left_are_not_said_to_be_stored_ones(Secured how) throws Exception {
        lose(Kind.DELETE, "t", how, "id < 7", "DELETE FROM app.t WHERE id < 7");
        database.run("INSERT INTO app.t VALUES (99, 99)");

        RecoveryReport report = recover("t");
        database.run(report.copyback().sql());

        assertThat(report.copyback().sql()).contains("6 stored rows missing").doesNotContain("twice", "remove");
        assertThat(report.notes()).noneMatch(note -> note.contains("twice"));
        assertThat(database.value("SELECT count(*) FROM app.t")).isEqualTo("11");
        assertThat(counts(report)).isEqualTo(new CopybackCounts(how.areRows() ? 6 : 10, 6, 0, 0, 0, 0));
    }

    @ParameterizedTest
    @ValueSource(strings = {"n > 0", "n > 10", "n = 20", "n < 0"})
    void rows_that_a_delete_left_in_a_table_without_a_key_are_not_doubled(String changed) throws Exception {
        database.run(
                "CREATE TABLE app.log (n int, v int)",
                "INSERT INTO app.log SELECT i, 0 FROM generate_series(1, 100) i");
        lose(Kind.DELETE, "log", Secured.TABLE, "", "DELETE FROM app.log WHERE n > 20");
        database.run("UPDATE app.log SET v = 1 WHERE " + changed);

        assertNothingIsDoubled(recover("log"), "log", changed);
    }

    @ParameterizedTest
    @ValueSource(strings = {"n > 0", "n > 10", "n = 20", "n < 0"})
    void rows_of_a_child_that_a_delete_left_are_not_doubled(String changed) throws Exception {
        database.run(
                "CREATE TABLE app.log (t int NOT NULL REFERENCES app.t ON DELETE CASCADE, n int, v int)",
                "INSERT INTO app.log SELECT CASE WHEN i > 20 THEN 1 ELSE 2 END, i, 0 FROM generate_series(1, 100) i");
        lose(Kind.DELETE, "t", Secured.TABLE, "", "DELETE FROM app.t WHERE id = 1");
        database.run("UPDATE app.log SET v = 1 WHERE " + changed);
        RecoveryReport report;
        try (Connection connection = database.connect()) {
            report = new GuidedRecovery(new SnapshotArchive(store))
                    .recoverGroup(connection, "app.t", RestoreProgress.SILENT);
        }

        assertNothingIsDoubled(report, "log", changed);
        assertThat(database.value("SELECT count(*) FROM app.t")).isEqualTo("10");
    }

    private void assertNothingIsDoubled(RecoveryReport report, String table, String changed) throws Exception {
        long since = Long.parseLong(database.value("SELECT count(*) FROM app." + table + " WHERE v = 1"));
        assertThat(report.copyback().rehearsal()).isEqualTo(new Rehearsal.Passed());
        database.run(report.copyback().sql());

        CopybackCounts counts = report.copyback().parts().stream()
                .filter(part -> part.original().equals(RelationName.of("app", table)))
                .findFirst()
                .orElseThrow()
                .rows();
        assertThat(database.value("SELECT count(*) - count(DISTINCT n) FROM app." + table))
                .as("doubled where " + changed)
                .isEqualTo("0");
        if (since == 0) {
            assertThat(database.value("SELECT count(*) FROM app." + table)).isEqualTo("100");
            assertThat(counts).isEqualTo(new CopybackCounts(100, 80, 0, 0, 0, 0));
        } else {
            assertThat(counts).isEqualTo(new CopybackCounts(100, 0, 0, 0, 80 + since, 0));
            assertThat(report.notes())
                    .anyMatch(note -> note.startsWith((80 + since) + " stored rows of table app." + table
                                    + " are not put back: which rows of table app." + table
                                    + " are missing cannot be told")
                            && note.contains(since + " other rows are"));
            assertThat(report.copyback().sql()).contains("-- INSERT INTO \"app\".\"" + table + "\"");
        }
    }

    @ParameterizedTest
    @EnumSource
    void values_written_since_an_update_of_every_row_stay(Secured how) throws Exception {
        lose(Kind.UPDATE, "t", how, "true", "UPDATE app.t SET v = 0");
        database.run("UPDATE app.t SET v = id + 500");

        RecoveryReport report = recover("t");
        database.run(report.copyback().sql());

        assertThat(database.value("SELECT count(*) FROM app.t WHERE v = id + 500"))
                .isEqualTo("10");
        assertThat(counts(report)).isEqualTo(new CopybackCounts(10, 0, 0, 10, 0, 0));
        assertThat(report.notes()).anyMatch(note -> note.startsWith("10 rows of table app.t "));
        assertThat(report.copyback().sql()).contains("-- UPDATE ONLY \"app\".\"t\" AS present SET");
    }

    @ParameterizedTest
    @CsvSource({
        "TABLE, 3",
        "TABLE, 8",
        "IN_TRANSACTION, 3",
        "IN_TRANSACTION, 8",
        "BEHIND_SAVEPOINT, 3",
        "BEHIND_SAVEPOINT, 8",
        "ROWS, 3",
        "ROWS, 8",
        "ROWS, 0"
    })
    void values_written_since_an_update_stay_and_the_others_come_back(Secured how, int changed) throws Exception {
        lose(Kind.UPDATE, "t", how, "id < 9", "UPDATE app.t SET v = 0 WHERE id < 9");
        database.run("UPDATE app.t SET v = v + 500 WHERE id <= " + changed);

        RecoveryReport report = recover("t");
        database.run(report.copyback().sql());

        assertThat(database.value("SELECT count(*) FROM app.t WHERE v = 500 AND id <= " + changed))
                .isEqualTo("" + changed);
        assertThat(database.value("SELECT count(*) FROM app.t WHERE v = id AND id > " + changed))
                .isEqualTo("" + (10 - changed));
        assertThat(counts(report)).isEqualTo(new CopybackCounts(how.areRows() ? 8 : 10, 0, 8 - changed, changed, 0, 0));
        if (changed > 0) {
            assertThat(report.notes())
                    .anyMatch(note -> note.startsWith(
                            changed + " rows of table app.t have been changed again since the statement and stay"));
        }
    }

    @Test
    void values_stay_where_it_is_not_known_which_rows_are_the_statements() throws Exception {
        lose(Kind.UPDATE, "t", Secured.ROWS_UNMARKED, "id < 9", "UPDATE app.t SET v = 0 WHERE id < 9");

        RecoveryReport report = recover("t");
        database.run(report.copyback().sql());

        assertThat(database.value("SELECT count(*) FROM app.t WHERE v = 0")).isEqualTo("8");
        assertThat(counts(report)).isEqualTo(new CopybackCounts(8, 0, 0, 8, 0, 0));
        assertThat(report.notes())
                .contains(
                        "8 rows of table app.t are there with other values, which may have been written since, and stay"
                                + " as they are now; the script offers the UPDATE");
        assertThat(report.copyback().sql()).contains("-- UPDATE ONLY \"app\".\"t\" AS present SET");
    }

    @ParameterizedTest
    @EnumSource
    void rows_removed_since_an_update_stay_away(Secured how) throws Exception {
        lose(Kind.UPDATE, "t", how, "id < 9", "UPDATE app.t SET v = 0 WHERE id < 9");
        database.run("DELETE FROM app.t WHERE id IN (3, 4)", "INSERT INTO app.t VALUES (99, 99)");

        RecoveryReport report = recover("t");
        database.run(report.copyback().sql());

        assertThat(database.value("SELECT count(*) FROM app.t WHERE id IN (3, 4)"))
                .isEqualTo("0");
        assertThat(counts(report).leftOut()).isEqualTo(2);
        assertThat(report.notes())
                .anyMatch(note ->
                        note.startsWith("2 stored rows of table app.t are not put back: they were removed since"));
        assertThat(report.copyback().sql()).contains("-- INSERT INTO \"app\".\"t\"");
    }

    @Test
    void rows_repaired_since_a_delete_set_their_foreign_key_null_stay() throws Exception {
        database.run(
                "CREATE TABLE app.c (id int PRIMARY KEY, t int REFERENCES app.t ON DELETE SET NULL)",
                "INSERT INTO app.c SELECT i, i % 10 + 1 FROM generate_series(1, 30) i");
        lose(Kind.DELETE, "t", Secured.IN_TRANSACTION, "", "DELETE FROM app.t WHERE id < 4");
        database.run("UPDATE app.c SET t = 9 WHERE t IS NULL AND id > 10");
        RecoveryReport report;
        try (Connection connection = database.connect()) {
            report = new GuidedRecovery(new SnapshotArchive(store))
                    .recoverGroup(connection, "app.t", RestoreProgress.SILENT);
        }
        database.run(report.copyback().sql());

        assertThat(database.value(
                        "SELECT count(*) FROM app.c WHERE id > 10 AND t IS DISTINCT FROM CASE WHEN id % 10 < 3"
                                + " THEN 9 ELSE id % 10 + 1 END"))
                .isEqualTo("0");
        assertThat(database.value("SELECT count(*) FROM app.c WHERE id <= 10 AND t IS DISTINCT FROM id % 10 + 1"))
                .isEqualTo("0");
        assertThat(report.notes()).anyMatch(note -> note.startsWith("6 rows of table app.c "));
    }

    /** More statements of its transaction may have the same number, and what they made is no stored row. */
    @Test
    void rows_that_the_same_transaction_made_besides_are_not_taken_for_moved_ones() throws Exception {
        lose(Kind.UPDATE, "t", Secured.IN_TRANSACTION, "", "UPDATE app.t SET v = 0; INSERT INTO app.t VALUES (11, 11)");
        database.run("DELETE FROM app.t WHERE id = 3");

        RecoveryReport report = recover("t");
        database.run(report.copyback().sql());

        assertThat(database.rows("SELECT id, v FROM app.t WHERE id IN (2, 3, 11) ORDER BY id"))
                .containsExactly("2|2", "11|11");
        assertThat(counts(report).leftOut()).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"IN_TRANSACTION", "ROWS_UNMARKED"})
    void rows_under_keys_that_an_update_gave_them_make_way_for_the_stored_ones(Secured how) throws Exception {
        database.run("ALTER TABLE app.t ADD UNIQUE (v)");
        lose(Kind.UPDATE, "t", how, "id < 9", "UPDATE app.t SET id = id + 1000 WHERE id < 9");
        database.run("INSERT INTO app.t VALUES (99, 99)");

        RecoveryReport report = recover("t");
        database.run(report.copyback().sql());

        assertThat(database.rows("SELECT id, v FROM app.t ORDER BY id"))
                .containsExactly("1|1", "2|2", "3|3", "4|4", "5|5", "6|6", "7|7", "8|8", "9|9", "10|10", "99|99");
        assertThat(counts(report)).isEqualTo(new CopybackCounts(how.areRows() ? 8 : 10, 8, 0, 0, 0, 8));
    }

    @ParameterizedTest
    @EnumSource
    void rows_whose_keys_changed_in_a_way_that_cannot_be_told_are_not_doubled(Secured how) throws Exception {
        lose(Kind.UPDATE, "t", how, "id < 9", "UPDATE app.t SET id = id + 1000 WHERE id < 9");
        database.run("UPDATE app.t SET v = 7 WHERE id = 1001");

        RecoveryReport report = recover("t");
        database.run(report.copyback().sql());

        assertThat(database.value("SELECT count(*) FROM app.t")).isEqualTo("10");
        assertThat(counts(report).leftOut()).isEqualTo(8);
        assertThat(report.notes()).anyMatch(note -> note.startsWith("8 stored rows of table app.t are not put back: "));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "id numeric PRIMARY KEY, v int             | 1.00, 1          | id = trunc(id)",
                "id numeric UNIQUE NOT NULL, v int         | 1.00, 1          | id = trunc(id), v = 0",
                "id numeric PRIMARY KEY                    | 1.00             | id = trunc(id)",
                "id app.word PRIMARY KEY, v int            | 'Ab', 1          | id = upper(id)",
                "id int PRIMARY KEY, s int GENERATED ALWAYS AS IDENTITY | 1   | s = DEFAULT",
                "id int PRIMARY KEY, s int GENERATED ALWAYS AS IDENTITY UNIQUE, v int | 1, DEFAULT, 1 | s = DEFAULT, v = 0",
            })
    void every_column_that_an_update_changed_comes_back(String columns, String values, String set) throws Exception {
        database.run(
                "CREATE COLLATION app.nd (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
                "CREATE DOMAIN app.word AS text COLLATE app.nd",
                "DROP TABLE app.t",
                "CREATE TABLE app.t (" + columns + ")",
                "INSERT INTO app.t VALUES (" + values + ")");
        String before = database.value("SELECT t::text FROM app.t");
        lose(Kind.UPDATE, "t", Secured.TABLE, "", "UPDATE app.t SET " + set);
        assertThat(database.value("SELECT t::text FROM app.t")).isNotEqualTo(before);

        RecoveryReport report = recover("t");
        database.run(report.copyback().sql());

        assertThat(counts(report)).isEqualTo(new CopybackCounts(1, 0, 1, 0, 0, 0));
        assertThat(database.value("SELECT t::text FROM app.t"))
                .as(report.copyback().sql())
                .isEqualTo(before);
    }

    @Test
    void rows_that_equal_those_which_a_delete_took_are_not_taken_for_them() throws Exception {
        database.run(
                "CREATE TABLE app.log (n int, v text)", "INSERT INTO app.log SELECT 1, 'x' FROM generate_series(1, 5)");
        lose(Kind.DELETE, "log", Secured.ROWS, "ctid <> '(0,1)'", "DELETE FROM app.log WHERE ctid <> '(0,1)'");

        RecoveryReport report = recover("log");
        database.run(report.copyback().sql());

        assertThat(counts(report)).isEqualTo(new CopybackCounts(4, 4, 0, 0, 0, 0));
        assertThat(database.value("SELECT count(*) FROM app.log")).isEqualTo("5");
        database.run(report.copyback().sql());
        assertThat(database.value("SELECT count(*) FROM app.log"))
                .as("run again")
                .isEqualTo("5");
    }

    @Test
    void rows_are_written_since_by_a_transaction_that_began_before_the_statement_too() throws Exception {
        database.run("CREATE TABLE app.log (n int, v text)", "INSERT INTO app.log VALUES (1, 'x'), (2, 'y')");
        try (Connection other = database.connect();
                Statement sql = other.createStatement()) {
            other.setAutoCommit(false);
            sql.execute("INSERT INTO app.t VALUES (50, 50)");
            lose(Kind.DELETE, "log", Secured.ROWS, "n = 1", "DELETE FROM app.log WHERE n = 1");
            sql.execute("INSERT INTO app.log VALUES (1, 'x')");
            other.commit();
        }

        RecoveryReport report = recover("log");
        database.run(report.copyback().sql());

        assertThat(report.copyback().sql()).contains("0 stored rows missing, 1 there again");
        assertThat(counts(report)).isEqualTo(new CopybackCounts(1, 0, 0, 0, 0, 0));
        assertThat(database.value("SELECT count(*) FROM app.log")).isEqualTo("2");
    }

    @Test
    void the_head_of_the_script_counts_what_does_not_come_back() throws Exception {
        lose(Kind.TRUNCATE, "t", Secured.TABLE, "", "TRUNCATE app.t");
        database.run("INSERT INTO app.t VALUES (1, 91), (2, 2), (99, 99)");

        RecoveryReport report = recover("t");

        assertThat(counts(report)).isEqualTo(new CopybackCounts(10, 8, 0, 1, 0, 0));
        assertThat(report.copyback().sql())
                .contains(
                        "--   10 stored rows: 8 are put back, 1 are there with other values and STAY AS THEY ARE NOW, 1 are"
                                + " there as stored\n--   1 rows of table app.t were written again under stored keys and stay");
        assertThat(report.notes())
                .contains(
                        "1 rows of table app.t were written again under stored keys and stay as they are now; the script"
                                + " offers the UPDATE");
    }

    @ParameterizedTest
    @CsvSource({
        "'(id, d)', d = 2",
        "'(id, d)', d = 3 - d",
        "'(id, d)', 'd = 2, id = id + 100'",
        "'', d = 2",
    })
    void rows_that_an_update_moved_to_another_partition_are_not_doubled(String key, String set) throws Exception {
        database.run(
                "CREATE TABLE app.p (id int, d int, v int) PARTITION BY LIST (d)",
                "CREATE TABLE app.p1 PARTITION OF app.p FOR VALUES IN (1)",
                "CREATE TABLE app.p2 PARTITION OF app.p FOR VALUES IN (2)",
                "ALTER TABLE app.p ALTER id SET NOT NULL",
                key.isEmpty()
                        ? "CREATE UNIQUE INDEX ON app.p1 (id); CREATE UNIQUE INDEX ON app.p2 (id)"
                        : "ALTER TABLE app.p ADD PRIMARY KEY " + key,
                "INSERT INTO app.p SELECT i, i / 9 + 1, i FROM generate_series(1, 10) i");
        List<String> before = database.rows("SELECT tableoid::regclass, p FROM app.p ORDER BY id");
        lose(Kind.UPDATE, "p", Secured.TABLE, "", "UPDATE app.p SET " + set);

        RecoveryReport report = recover("p");
        database.run(report.copyback().sql());

        assertThat(database.rows("SELECT tableoid::regclass, p FROM app.p ORDER BY id"))
                .as(report.copyback().sql())
                .isEqualTo(before);
        assertThat(report.copyback().parts().stream()
                        .mapToLong(part -> part.rows().offered())
                        .sum())
                .isEqualTo(0);
    }

    @Test
    void rows_that_moved_to_another_partition_and_changed_since_are_not_doubled() throws Exception {
        database.run(
                "CREATE TABLE app.p (id int, d int, v int, PRIMARY KEY (id, d)) PARTITION BY LIST (d)",
                "CREATE TABLE app.p1 PARTITION OF app.p FOR VALUES IN (1)",
                "CREATE TABLE app.p2 PARTITION OF app.p FOR VALUES IN (2)",
                "INSERT INTO app.p SELECT i, 1, i FROM generate_series(1, 10) i");
        lose(Kind.UPDATE, "p", Secured.TABLE, "", "UPDATE app.p SET d = 2");
        database.run("UPDATE app.p SET v = 99 WHERE id = 5");

        RecoveryReport report = recover("p");
        database.run(report.copyback().sql());

        assertThat(database.value("SELECT count(*) FROM app.p")).isEqualTo("10");
        assertThat(report.notes())
                .contains("10 stored rows of table app.p1 are not put back: they were removed since the UPDATE, or have"
                        + " other keys or are in another partition; the script offers the INSERT");
    }

    @Test
    void rows_are_told_by_the_stored_key_where_the_table_has_it_no_more() throws Exception {
        database.run("ALTER TABLE app.t ADD UNIQUE (v), ALTER v SET NOT NULL");
        lose(Kind.UPDATE, "t", Secured.TABLE, "", "UPDATE app.t SET v = v + 1000");
        database.run("ALTER TABLE app.t DROP CONSTRAINT t_pkey");

        RecoveryReport report = recover("t");
        database.run(report.copyback().sql());

        assertThat(database.rows("SELECT id, v FROM app.t ORDER BY id LIMIT 2")).containsExactly("1|1", "2|2");
        assertThat(counts(report)).isEqualTo(new CopybackCounts(10, 0, 10, 0, 0, 0));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "INSERT INTO app.t (id) VALUES (11), (12)        | 2 rows that are not stored",
                "UPDATE app.t SET id = id + 100 WHERE id < 4     | 3 rows that are not stored",
                "ALTER TABLE app.t ADD x int DEFAULT 7           | what column x holds",
            })
    void what_a_table_that_is_set_aside_has_alone_is_counted_and_kept(String since, String told) throws Exception {
        lose(Kind.ALTER_TABLE, "t", Secured.TABLE, "", "ALTER TABLE app.t DROP COLUMN v");
        database.run(since);

        RecoveryReport report = recover("t");
        database.run(report.copyback().sql());

        assertThat(report.notes())
                .anyMatch(note ->
                        note.startsWith("table app.t is set aside as app.t_set_aside, which alone has " + told));
        assertThat(report.copyback().sql()).contains("keep it: table app.t").doesNotContain("-- DROP TABLE");
    }

    @Test
    void rows_of_a_table_that_is_set_aside_can_be_taken_over_by_the_offered_statement() throws Exception {
        lose(Kind.ALTER_TABLE, "t", Secured.TABLE, "", "ALTER TABLE app.t DROP COLUMN v");
        database.run(
                "INSERT INTO app.t VALUES (11)",
                "CREATE TABLE app.c (t int REFERENCES app.t)",
                "INSERT INTO app.c VALUES (11)");

        RecoveryReport report = recover("t");
        String script = report.copyback().sql();
        assertThat(report.copyback().rehearsal()).isInstanceOf(Rehearsal.Failed.class);
        database.run(script.replace("-- INSERT INTO", "INSERT INTO").replace("-- SELECT \"id\"", "SELECT \"id\""));

        assertThat(database.rows("SELECT id, v FROM app.t WHERE id > 9 ORDER BY id"))
                .containsExactly("10|10", "11|null");
    }

    @Test
    void a_table_that_is_set_aside_and_has_nothing_alone_may_be_dropped() throws Exception {
        lose(Kind.ALTER_TABLE, "t", Secured.TABLE, "", "ALTER TABLE app.t DROP COLUMN v");

        RecoveryReport report = recover("t");

        assertThat(report.copyback().sql()).contains("-- DROP TABLE \"app\".\"t_set_aside\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"ALTER TABLE app.t RENAME TO u", "ALTER TABLE app.t SET SCHEMA other"})
    void a_table_that_has_another_name_since_is_told(String since) throws Exception {
        database.run("DROP SCHEMA IF EXISTS other CASCADE", "CREATE SCHEMA other");
        lose(Kind.TRUNCATE, "t", Secured.TABLE, "", "TRUNCATE app.t");
        database.run(since);
        String now = since.contains("RENAME") ? "app.u" : "other.t";

        assertThat(recover("t").notes())
                .anyMatch(
                        note -> note.startsWith("table app.t seems to be there as " + now + ", renamed or moved since")
                                && note.contains("--source-table app.t_recovered --target-table " + now));
    }

    @Test
    void a_script_works_where_reading_alone_is_the_default() throws Exception {
        lose(Kind.TRUNCATE, "t", Secured.TABLE, "", "TRUNCATE app.t");
        try (Connection connection = database.connect();
                Statement sql = connection.createStatement()) {
            sql.execute("SET default_transaction_read_only = on");
            RecoveryReport report =
                    new GuidedRecovery(new SnapshotArchive(store)).recover(connection, "app.t", RestoreProgress.SILENT);

            assertThat(report.copyback().rehearsal()).isEqualTo(new Rehearsal.Passed());
            sql.execute(report.copyback().sql());
        }
        assertThat(database.value("SELECT count(*) FROM app.t")).isEqualTo("10");
    }

    @Test
    void a_label_that_was_renamed_since_is_what_keeps_rows_from_coming_back() throws Exception {
        database.run(
                "CREATE TYPE app.mood AS ENUM ('sad', 'glad')",
                "CREATE TABLE app.m (id int PRIMARY KEY, mood app.mood)",
                "INSERT INTO app.m VALUES (1, 'sad')");
        lose(Kind.TRUNCATE, "m", Secured.TABLE, "", "TRUNCATE app.m");
        database.run("ALTER TYPE app.mood RENAME VALUE 'sad' TO 'blue'");

        assertThatThrownBy(() -> recover("m"))
                .isInstanceOfSatisfying(
                        RecoveryException.class,
                        e -> assertThat(e.hint())
                                .startsWith("the column's type may have lost or renamed a label since"));
    }

    @Test
    void a_domain_that_got_narrower_since_is_what_keeps_rows_from_coming_back() throws Exception {
        database.run(
                "CREATE DOMAIN app.small AS int",
                "CREATE TABLE app.m (id int PRIMARY KEY, n app.small)",
                "INSERT INTO app.m VALUES (1, 100)");
        lose(Kind.TRUNCATE, "m", Secured.TABLE, "", "TRUNCATE app.m");
        database.run("ALTER DOMAIN app.small ADD CHECK (value < 10)");

        assertThatThrownBy(() -> recover("m"))
                .isInstanceOfSatisfying(
                        RecoveryException.class,
                        e -> assertThat(e.hint()).startsWith("a domain of the column has a constraint"));
    }

    @Test
    void a_lock_that_keeps_a_plan_from_being_made_is_told_as_what_it_is() throws Exception {
        lose(Kind.TRUNCATE, "t", Secured.TABLE, "", "TRUNCATE app.t");
        recover("t");
        try (Connection application = database.connect();
                Statement lock = application.createStatement();
                Connection connection = database.connect();
                Statement sql = connection.createStatement()) {
            application.setAutoCommit(false);
            lock.execute("LOCK TABLE app.t IN ACCESS EXCLUSIVE MODE");
            sql.execute("SET lock_timeout = '100ms'");

            assertThatThrownBy(() -> new GuidedRecovery(new SnapshotArchive(store))
                            .recover(connection, "app.t", RestoreProgress.SILENT))
                    .isInstanceOfSatisfying(RecoveryException.class, e -> {
                        assertThat(e).hasMessageStartingWith("the copyback plan could not be made: ");
                        assertThat(e.hint())
                                .startsWith("another transaction holds a lock on a table that the rows go back to");
                    });
        }
    }

    @Test
    void losses_after_the_moment_that_is_asked_for_are_told() throws Exception {
        Instant moment = Instant.now();
        lose(Kind.DELETE, "t", Secured.ROWS, "id <= 6", "DELETE FROM app.t WHERE id <= 6");
        lose(Kind.TRUNCATE, "t", Secured.TABLE, "", "TRUNCATE app.t");
        String newest = recover("t").manifest().snapshotId();
        database.run("DROP TABLE app.t_recovered");
        RecoveryReport report;
        try (Connection connection = database.connect()) {
            report = new GuidedRecovery(new SnapshotArchive(store))
                    .recover(
                            connection,
                            "app.t",
                            Optional.of(RecoveryPoint.parse(moment.toString())),
                            RestoreProgress.SILENT);
        }

        assertThat(counts(report)).isEqualTo(new CopybackCounts(6, 6, 0, 0, 0, 0));
        assertThat(report.notes())
                .anyMatch(note -> note.startsWith(
                        "this brings back what snapshot " + report.manifest().snapshotId()))
                .anyMatch(note -> note.contains(newest + ": all 4 rows as they were before the TRUNCATE"));
    }

    private static CopybackCounts counts(RecoveryReport report) {
        return report.copyback().parts().get(0).rows();
    }

    private RecoveryReport recover(String table) throws Exception {
        try (Connection connection = database.connect()) {
            return new GuidedRecovery(new SnapshotArchive(store))
                    .recover(connection, "app." + table, RestoreProgress.SILENT);
        }
    }

    /** @param rows which of them a snapshot of rows is of */
    private void lose(Kind kind, String table, Secured how, String rows, String statement) throws Exception {
        SnapshotRequest request = new SnapshotRequest(
                List.of(new Destruction(kind, List.of(RelationName.of("app", table)), false, false)),
                List.of(),
                Long.MAX_VALUE,
                Optional.empty(),
                "localhost:5432/test",
                "agent",
                "0".repeat(64),
                Optional.empty(),
                how == Secured.IN_TRANSACTION || how == Secured.BEHIND_SAVEPOINT);
        try (Connection connection = database.connect();
                Statement sql = connection.createStatement()) {
            connection.setAutoCommit(false);
            if (how == Secured.BEHIND_SAVEPOINT) {
                sql.execute("SAVEPOINT here");
            }
            SecuredRows secured = how.areRows()
                    ? snapshots.secureRows(
                            connection,
                            Connections.NONE,
                            request,
                            new RowQuery("SELECT tableoid, ctid FROM app." + table + " WHERE " + rows, true),
                            Progress.SILENT)
                    : snapshots.secure(connection, Connections.NONE, request, Progress.SILENT);
            sql.execute(statement);
            secured.confirmNothingElseWasDestroyed();
            connection.commit();
            if (how != Secured.ROWS_UNMARKED) {
                secured.committed();
            }
        }
    }
}
