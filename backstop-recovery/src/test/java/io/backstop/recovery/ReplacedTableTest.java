package io.backstop.recovery;

import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.recovery.model.ConflictMode;
import io.backstop.recovery.model.CopybackCounts;
import io.backstop.recovery.model.CopybackPlan.Situation;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.Rehearsal;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.FutureTask;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * A table that was made again, bare, makes way for the restored one: no row of either is lost, what was written since stays,
 * and all that either of them is made of is there.
 */
@ExtendWith(PostgresExtension.class)
class ReplacedTableTest {
    /** A table with everything that an ORM's migration does not make, ten rows of it, and what refers to it. */
    private static final String[] STORED = {
        "CREATE TABLE app.t (id int GENERATED ALWAYS AS IDENTITY CONSTRAINT t_pk PRIMARY KEY, mail text NOT NULL "
                + "CONSTRAINT t_mail UNIQUE, n smallint DEFAULT 1 CONSTRAINT t_n CHECK (n > 0), "
                + "boss int CONSTRAINT t_boss REFERENCES app.t, gone text DEFAULT 'default')",
        "CREATE INDEX t_half ON app.t (n) WHERE n > 5",
        "CREATE TABLE app.item (t int CONSTRAINT item_t REFERENCES app.t ON DELETE CASCADE)",
        "CREATE VIEW app.mails AS SELECT id, mail FROM app.t",
        "ALTER TABLE app.t ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY small ON app.t USING (n < 100)",
        "INSERT INTO app.t (mail, n, boss, gone) SELECT 'm' || i, i, nullif(i - 1, 0), 'g' FROM generate_series(1, 10) i",
        "INSERT INTO app.item SELECT i FROM generate_series(1, 10) i"
    };

    private static final String BARE =
            "CREATE TABLE app.t (id bigserial, mail varchar(99), n int, boss int, later int)";

    private final TestDatabase database;
    private final ObjectStore store;
    private final SecuredChanges changes;

    ReplacedTableTest(TestDatabase database, @TempDir Path folder) {
        this.database = database;
        this.store = ObjectStores.open(folder.toUri().toString());
        this.changes = new SecuredChanges(database, store);
    }

    @BeforeEach
    void createSchema() throws SQLException {
        database.run("DROP SCHEMA IF EXISTS app CASCADE", "CREATE SCHEMA app");
    }

    @AfterEach
    void close() {
        store.close();
    }

    private void lose(String... since) throws SQLException {
        changes.whole(Kind.DROP_TABLE, "t", "DROP TABLE app.t CASCADE");
        database.run(since);
    }

    private RecoveryReport replace(String table) throws Exception {
        return recover(table, ConflictMode.AS_FOUND, Optional.of(PresentMode.REPLACE));
    }

    private RecoveryReport recover(String table, ConflictMode differing, Optional<PresentMode> mode) throws Exception {
        try (Connection connection = database.connect()) {
            return new GuidedRecovery(
                            new SnapshotArchive(store), new CopybackPlanner(differing).choosing(tables -> mode))
                    .recoverGroup(connection, "app." + table, RestoreProgress.SILENT);
        }
    }

    private RecoveryReport replaceAndRun(String table) throws Exception {
        RecoveryReport report = replace(table);
        assertThat(report.copyback().rehearsal()).as(report.copyback().sql()).isEqualTo(new Rehearsal.Passed());
        database.run(report.copyback().sql());
        return report;
    }

    private List<String> definitions() throws SQLException {
        return database.rows("SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) "
                + "FROM pg_constraint WHERE connamespace = 'app'::regnamespace AND contype <> 'n' "
                + "AND conrelid::regclass::text NOT LIKE '%set_aside' "
                + "UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indrelid "
                + "WHERE c.relnamespace = 'app'::regnamespace AND c.relname NOT LIKE '%set_aside' "
                + "UNION ALL SELECT tablename || policyname || qual FROM pg_policies "
                + "UNION ALL SELECT 'rls ' || relrowsecurity FROM pg_class WHERE oid = 'app.t'::regclass "
                + "UNION ALL SELECT viewname || definition FROM pg_views WHERE schemaname = 'app' ORDER BY 1");
    }

    @Test
    void the_restored_table_takes_the_place_and_keeps_what_was_written_since() throws Exception {
        database.run(STORED);
        List<String> before = definitions();
        lose(
                BARE,
                "SELECT setval('app.t_id_seq', 50)",
                "INSERT INTO app.t VALUES (3, 'again', 33, 7, 1), (40, 'new', 4, 3, 2)",
                "INSERT INTO app.item VALUES (40)");

        RecoveryReport report = replaceAndRun("t");

        assertThat(definitions()).containsExactlyElementsOf(before);
        assertThat(database.rows("SELECT id, mail, n, boss, gone, later FROM app.t WHERE id IN (2, 3, 40) ORDER BY id"))
                .containsExactly("2|m2|2|1|g|null", "3|again|33|7|g|1", "40|new|4|3|default|2");
        assertThat(database.value("SELECT count(*) FROM app.t")).isEqualTo("11");
        assertThat(database.value("SELECT nextval('app.t_id_seq')")).isEqualTo("51");
        assertThat(database.value("SELECT count(*) FROM app.t_set_aside")).isEqualTo("2");
        assertThat(report.copyback().parts())
                .extracting(part -> part.situation() + " " + part.rows())
                .containsExactly(Situation.REPLACED + " " + new CopybackCounts(10, 9, 0, 1, 0, 0));
        assertThat(report.notes())
                .contains(
                        "table app.t is set aside as app.t_set_aside, and its 1 rows that are not stored are merged into the"
                                + " restored one",
                        "column mail of table app.t is character varying(99) and becomes text again",
                        "column gone has its default in rows of table app.t that are not stored",
                        "table app.t has had since what the stored one had not, and keeps it: column later");
    }

    @Test
    void stored_values_win_where_that_is_asked_for() throws Exception {
        database.run(STORED);
        lose(BARE, "INSERT INTO app.t VALUES (3, 'again', 33, 7, 1), (40, 'new', 4, 3, 2)");

        RecoveryReport report = recover("t", ConflictMode.PUT_BACK, Optional.of(PresentMode.REPLACE));
        database.run(report.copyback().sql());

        assertThat(database.rows("SELECT id, mail FROM app.t WHERE id IN (3, 40) ORDER BY id"))
                .containsExactly("3|m3", "40|new");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "(1, 'm1', -5, NULL), (2, 'm2', 7, NULL)   | (1): new row for relation \"t\" violates check constraint \"t_n\"",
                "(30, 'm5', 5, NULL)                       | (30): duplicate key value violates unique constraint \"t_mail\"",
                "(30, NULL, 5, NULL), (31, 'm31', 0, NULL) | (30): null value in column \"mail\"",
                "(30, NULL, 5, NULL), (31, 'm31', 0, NULL) | (31): new row for relation \"t\" violates check constraint",
            })
    void rows_that_break_a_stored_constraint_are_named_and_nothing_is_called_ready(String rows, String named)
            throws Exception {
        database.run(STORED);
        lose(BARE, "INSERT INTO app.t (id, mail, n, boss) VALUES " + rows);

        assertThat(replace("t").copyback().rehearsal())
                .isInstanceOfSatisfying(
                        Rehearsal.Failed.class,
                        failed -> assertThat(failed.reason())
                                .startsWith("rows of table app.t do not fit into the restored one: ")
                                .contains(named));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "INSERT INTO app.t (id, n) VALUES (30, 70000), (31, 5), (32, 80000) | column n of table app.t are not the same"
                        + " any more as smallint, in rows: (30), (32)",
                "INSERT INTO app.t (id) VALUES (5), (6), (5)                       | several rows of table app.t have one key of"
                        + " the stored table: (5)",
            })
    void rows_that_no_merge_can_take_refuse_it_by_name(String since, String named) throws Exception {
        database.run(STORED);
        lose(BARE, since);

        assertThatThrownBy(() -> replace("t"))
                .isInstanceOf(RecoveryException.class)
                .hasMessageStartingWith("table app.t cannot be replaced: ")
                .hasMessageContaining(named);
        assertThat(database.value("SELECT count(*) FROM app.t_recovered")).isEqualTo("10");
    }

    @Test
    void what_others_write_while_the_script_waits_is_merged() throws Exception {
        database.run(STORED);
        lose(BARE);
        String script = replace("t").copyback().sql();
        try (Connection writer = database.connect();
                Statement write = writer.createStatement()) {
            writer.setAutoCommit(false);
            write.execute("INSERT INTO app.t VALUES (77, 'late', 7, 3, 9)");
            FutureTask<Boolean> run = new FutureTask<>(() -> {
                database.run(script);
                return true;
            });
            new Thread(run).start();
            while (database.value("SELECT count(*) FROM pg_locks WHERE NOT granted")
                    .equals("0")) {
                Thread.onSpinWait();
            }
            write.execute("INSERT INTO app.t VALUES (3, 'late too', 8, 3, 9)");
            writer.commit();
            assertThat(run.get()).isTrue();
        }

        assertThat(database.rows("SELECT id, mail FROM app.t WHERE later = 9 ORDER BY id"))
                .containsExactly("3|late too", "77|late");
    }

    @Test
    void partitions_of_both_are_merged_and_a_new_one_goes_along() throws Exception {
        database.run(
                "CREATE TABLE app.t (id int, day int NOT NULL, v text, CONSTRAINT t_pk PRIMARY KEY (id, day)) "
                        + "PARTITION BY RANGE (day)",
                "CREATE TABLE app.t1 PARTITION OF app.t FOR VALUES FROM (0) TO (10)",
                "CREATE TABLE app.t2 PARTITION OF app.t FOR VALUES FROM (10) TO (20)",
                "ALTER TABLE app.t ADD CONSTRAINT t_day CHECK (day < 50)",
                "INSERT INTO app.t SELECT i, i, 'v' FROM generate_series(1, 19) i");
        lose(
                "CREATE TABLE app.t (id int, day int, v text, w int) PARTITION BY RANGE (day)",
                "CREATE TABLE app.t1 PARTITION OF app.t FOR VALUES FROM (0) TO (10)",
                "CREATE TABLE app.t2 PARTITION OF app.t FOR VALUES FROM (10) TO (20)",
                "CREATE TABLE app.t3 PARTITION OF app.t FOR VALUES FROM (20) TO (30)",
                "INSERT INTO app.t VALUES (3, 3, 'again', 1), (40, 11, 'new', 2), (41, 22, 'newer', 3)");

        replaceAndRun("t");

        assertThat(
                        database.rows(
                                "SELECT tableoid::regclass, count(*), count(w) FROM app.t GROUP BY tableoid ORDER BY tableoid::regclass::text"))
                .containsExactly("app.t1|9|1", "app.t2|11|1", "app.t3|1|1");
        assertThat(database.value("SELECT string_agg(v, ' ' ORDER BY id) FROM app.t WHERE v <> 'v'"))
                .isEqualTo("again new newer");
    }

    @Test
    void a_plain_table_makes_way_for_the_partitioned_one_that_it_was() throws Exception {
        database.run(
                "CREATE TABLE app.t (id int, day int, PRIMARY KEY (id, day)) PARTITION BY LIST (day)",
                "CREATE TABLE app.t1 PARTITION OF app.t FOR VALUES IN (1)",
                "CREATE TABLE app.rest PARTITION OF app.t DEFAULT",
                "INSERT INTO app.t SELECT i, i FROM generate_series(1, 5) i");
        lose("CREATE TABLE app.t (id int, day int, w int)", "INSERT INTO app.t VALUES (9, 1, 1), (2, 2, 2)");

        replaceAndRun("t");

        assertThat(
                        database.rows(
                                "SELECT tableoid::regclass, count(*), sum(w) FROM app.t GROUP BY tableoid ORDER BY tableoid::regclass::text"))
                .containsExactly("app.rest|4|2", "app.t1|2|1");
    }

    @Test
    void two_tables_that_refer_to_each_other_are_replaced_together() throws Exception {
        database.run(
                "CREATE TABLE app.t (id int PRIMARY KEY, u int)",
                "CREATE TABLE app.u (id int PRIMARY KEY, t int CONSTRAINT u_t REFERENCES app.t ON DELETE CASCADE)",
                "ALTER TABLE app.t ADD CONSTRAINT t_u FOREIGN KEY (u) REFERENCES app.u",
                "INSERT INTO app.t VALUES (1, NULL), (2, NULL)",
                "INSERT INTO app.u VALUES (1, 2), (2, 1)",
                "UPDATE app.t SET u = id");
        List<String> before = database.rows("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
                + "WHERE contype = 'f' AND connamespace = 'app'::regnamespace ORDER BY 1");
        changes.group(Kind.DROP_TABLE, List.of("t", "u"), "DROP TABLE app.t, app.u CASCADE");
        database.run(
                "CREATE TABLE app.u (id bigint, t bigint)",
                "CREATE TABLE app.t (id bigint, u bigint)",
                "INSERT INTO app.t VALUES (9, 8), (1, 2)",
                "INSERT INTO app.u VALUES (8, 9)");

        replaceAndRun("t");

        assertThat(database.rows("SELECT * FROM app.t ORDER BY 1")).containsExactly("1|2", "2|2", "9|8");
        assertThat(database.rows("SELECT * FROM app.u ORDER BY 1")).containsExactly("1|2", "2|1", "8|9");
        assertThat(database.rows("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
                        + "WHERE contype = 'f' AND connamespace = 'app'::regnamespace ORDER BY 1"))
                .containsExactlyElementsOf(before);
    }

    @Test
    void rows_that_refer_to_each_other_in_one_table_come_together() throws Exception {
        database.run(
                "CREATE TABLE app.t (n int GENERATED ALWAYS AS IDENTITY, id text PRIMARY KEY, "
                        + "boss text CONSTRAINT t_boss REFERENCES app.t)",
                "INSERT INTO app.t (id) VALUES ('a'), ('b')");
        lose(
                "CREATE TABLE app.t (n int, id text, boss text, w int NOT NULL DEFAULT 1)",
                "INSERT INTO app.t VALUES (30, 'b', 'x', 2), (40, 'x', 'y', 3), (41, 'y', 'b', 4)");

        replaceAndRun("t");

        assertThat(database.rows("SELECT n, id, boss, w FROM app.t ORDER BY n"))
                .containsExactly("1|a|null|1", "30|b|x|2", "40|x|y|3", "41|y|b|4");
        assertThat(database.value("SELECT condeferrable FROM pg_constraint WHERE conname = 't_boss'"))
                .isEqualTo("f");
        assertThat(database.value("INSERT INTO app.t (id) VALUES ('z') RETURNING n"))
                .isEqualTo("42");
    }

    @Test
    void a_column_that_came_after_the_plan_ends_the_script() throws Exception {
        database.run(STORED);
        lose(BARE);
        String script = replace("t").copyback().sql();
        database.run("ALTER TABLE app.t ADD COLUMN latest int");

        assertThatThrownBy(() -> database.run(script))
                .hasMessageContaining(
                        "table app.t has other columns than when this was written: ask for the script again");
    }

    @Test
    void a_sequence_that_others_draw_from_keeps_its_name() throws Exception {
        database.run(
                "CREATE TABLE app.t (id uuid DEFAULT gen_random_uuid() PRIMARY KEY, n int DEFAULT 7)",
                "INSERT INTO app.t SELECT FROM generate_series(1, 3)");
        lose(
                "CREATE TABLE app.t (id uuid, n serial)",
                "CREATE TABLE app.drawing (n int DEFAULT nextval('app.t_n_seq'))",
                "INSERT INTO app.t (id) VALUES (gen_random_uuid())");

        replaceAndRun("t");

        assertThat(database.value("SELECT count(*) FROM app.t")).isEqualTo("4");
        assertThat(database.value("INSERT INTO app.drawing DEFAULT VALUES RETURNING n"))
                .isEqualTo("2");
        assertThat(database.value("INSERT INTO app.t DEFAULT VALUES RETURNING n"))
                .isEqualTo("7");
    }

    @Test
    void rows_without_a_key_get_what_came_since_as_often_as_they_are_there() throws Exception {
        database.run(
                "CREATE TABLE app.t (a int, b text, gone int DEFAULT 4)",
                "INSERT INTO app.t VALUES (1, 'x', 1), (1, 'x', 2), (2, NULL, 3)");
        lose(
                "CREATE TABLE app.t (a int, b text, w int)",
                "INSERT INTO app.t VALUES (1, 'x', 5), (1, 'x', NULL), (1, 'x', 6), (2, NULL, 7), (9, 'n', 8)");

        replaceAndRun("t");

        assertThat(database.rows("SELECT a, b, w, count(*) FROM app.t GROUP BY a, b, w ORDER BY a, w"))
                .containsExactly("1|x|5|1", "1|x|6|1", "1|x|null|1", "2|null|7|1", "9|n|8|1");
        assertThat(database.value("SELECT string_agg(gone::text, ' ' ORDER BY gone) FROM app.t"))
                .isEqualTo("1 2 3 4 4");
    }

    @Test
    void a_key_that_came_since_numbers_the_stored_rows() throws Exception {
        database.run(
                "CREATE TABLE app.t (code text CONSTRAINT t_code PRIMARY KEY, v text)",
                "INSERT INTO app.t SELECT 'c' || i, 'v' FROM generate_series(1, 3) i");
        lose(
                "CREATE TABLE app.t (id bigserial CONSTRAINT t_id UNIQUE, code text, v text)",
                "INSERT INTO app.t (code, v) VALUES ('c2', 'new'), ('c9', 'newer')");

        replaceAndRun("t");

        assertThat(database.rows("SELECT id, code, v FROM app.t ORDER BY code"))
                .containsExactly("3|c1|v", "1|c2|new", "4|c3|v", "2|c9|newer");
        assertThat(database.value("INSERT INTO app.t (code) VALUES ('z') RETURNING id"))
                .isEqualTo("5");
    }

    @Test
    void a_table_whose_type_was_changed_keeps_the_stored_values_of_stored_rows() throws Exception {
        database.run(
                "CREATE TABLE app.t (id int PRIMARY KEY, price numeric(9, 3), n int)",
                "INSERT INTO app.t SELECT i, i + 0.125, i FROM generate_series(1, 4) i");
        changes.whole(Kind.ALTER_TABLE, "t", "ALTER TABLE app.t ALTER COLUMN price TYPE int");
        database.run("UPDATE app.t SET n = 30 WHERE id = 3", "INSERT INTO app.t VALUES (7, 7, 7)");

        replaceAndRun("t");

        assertThat(database.rows("SELECT * FROM app.t ORDER BY id"))
                .containsExactly("1|1.125|1", "2|2.125|2", "3|3.125|30", "4|4.125|4", "7|7.000|7");
    }

    @Test
    void without_an_answer_the_choice_that_is_made_and_the_other_one_are_named() throws Exception {
        database.run("CREATE TABLE app.t (id int PRIMARY KEY, v text)", "INSERT INTO app.t VALUES (1, 'a'), (2, 'b')");
        lose("CREATE TABLE app.t (id int, v text)", "INSERT INTO app.t VALUES (2, 'c')");

        RecoveryReport report = recover("t", ConflictMode.AS_FOUND, Optional.empty());
        database.run(report.copyback().sql());

        assertThat(report.notes())
                .contains(
                        "table app.t was made again since, and is completed; --present replace sets it aside instead, puts"
                                + " app.t_recovered in its place and merges the rows that were written since");
        assertThat(database.rows("SELECT * FROM app.t ORDER BY 1")).containsExactly("1|a", "2|c");
        assertThat(database.value("SELECT to_regclass('app.t_set_aside') IS NULL"))
                .isEqualTo("t");
    }

    @Test
    void a_table_that_cannot_be_completed_is_not() throws Exception {
        database.run(STORED);
        lose(BARE);

        assertThatThrownBy(() -> recover("t", ConflictMode.AS_FOUND, Optional.of(PresentMode.COMPLETE)))
                .isInstanceOf(RecoveryException.class)
                .hasMessageStartingWith("table app.t cannot be completed: it has other columns by now (");
    }

    @Test
    void the_stored_table_itself_is_not_replaced() throws Exception {
        database.run(STORED);
        changes.whole(Kind.TRUNCATE, "t", "TRUNCATE app.t CASCADE");

        RecoveryReport report = replaceAndRun("t");

        assertThat(report.notes())
                .contains(
                        "table app.t is the stored one itself, so that rows are put back into it and nothing is replaced");
        assertThat(database.value("SELECT count(*) FROM app.t")).isEqualTo("10");
        assertThat(database.value("SELECT to_regclass('app.t_set_aside') IS NULL"))
                .isEqualTo("t");
    }

    @Test
    void an_owner_who_is_no_superuser_can_run_it_where_row_security_is_forced() throws Exception {
        database.run(
                "DROP ROLE IF EXISTS replacing_owner",
                "CREATE ROLE replacing_owner LOGIN PASSWORD 'x' BYPASSRLS",
                "GRANT ALL ON SCHEMA app TO replacing_owner",
                "SET ROLE replacing_owner; CREATE TABLE app.t (id serial PRIMARY KEY, v text); "
                        + "ALTER TABLE app.t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; "
                        + "CREATE POLICY none ON app.t USING (false)",
                "INSERT INTO app.t (v) SELECT 'v' FROM generate_series(1, 5)");
        lose("SET ROLE replacing_owner; CREATE TABLE app.t (id int, v text); INSERT INTO app.t VALUES (9, 'new')");
        RecoveryReport report = replace("t");
        database.run("ALTER TABLE app.t_recovered OWNER TO replacing_owner");

        database.run("SET ROLE replacing_owner; " + report.copyback().sql());

        assertThat(database.value("SELECT count(*) FROM app.t")).isEqualTo("6");
        assertThat(database.value("SELECT relowner::regrole FROM pg_class WHERE oid = 'app.t'::regclass"))
                .isEqualTo("replacing_owner");
        database.run("DROP SCHEMA app CASCADE", "DROP OWNED BY replacing_owner", "DROP ROLE replacing_owner");
    }

    /** Judged by what a map makes of the same rows: stored ones, overwritten by those of the present table. */
    @Test
    void random_rows_of_both_are_the_union_in_which_the_present_ones_win() throws Exception {
        for (long seed = 1; seed <= 6; seed++) {
            Random random = new Random(seed);
            boolean keyed = random.nextBoolean();
            createSchema();
            TreeMap<Integer, String> expected = new TreeMap<>();
            List<String> statements = new ArrayList<>();
            statements.add("CREATE TABLE app.t (id int" + (keyed ? " PRIMARY KEY" : "") + ", v text, w numeric)");
            for (int i = 0; i < 40; i++) {
                expected.put(i, i + "|v" + i % 7 + "|" + i);
                statements.add("INSERT INTO app.t VALUES (" + i + ", 'v" + i % 7 + "', " + i + ")");
            }
            database.run(statements.toArray(String[]::new));
            List<String> since = new ArrayList<>();
            since.add(
                    "CREATE TABLE app.t (w int, id " + (random.nextBoolean() ? "bigint" : "varchar(9)") + ", v text)");
            for (int i : random.ints(30, keyed ? 20 : 100, keyed ? 80 : 200)
                    .distinct()
                    .toArray()) {
                boolean unchanged = random.nextInt(3) == 0;
                String v = unchanged ? "v" + i % 7 : "new" + i;
                int w = unchanged ? i : -i;
                expected.put(i, i + "|" + v + "|" + w);
                since.add("INSERT INTO app.t VALUES (" + w + ", " + i + ", '" + v + "')");
            }
            if (!keyed) {
                since.add("INSERT INTO app.t SELECT i, i, 'v' || i % 7 FROM generate_series(0, 9) i");
            }
            lose(since.toArray(String[]::new));

            replaceAndRun("t");

            assertThat(database.rows("SELECT id, v, w FROM app.t ORDER BY id"))
                    .as("seed %s", seed)
                    .containsExactlyElementsOf(expected.values());
            assertThat(database.value("SELECT count(*) FROM app.t_set_aside"))
                    .isEqualTo(Integer.toString(since.size() - 1 + (keyed ? 0 : 9)));
        }
    }
}
