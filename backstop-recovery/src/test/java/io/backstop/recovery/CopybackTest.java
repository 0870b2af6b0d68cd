package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.model.ConflictMode;
import io.backstop.recovery.model.CopybackCounts;
import io.backstop.recovery.model.CopybackPlan;
import io.backstop.recovery.model.CopybackPlan.Situation;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.Rehearsal;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RestoredTable;
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
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@ExtendWith(PostgresExtension.class)
class CopybackTest {
    private static final String USERS = """
            CREATE TABLE users (
                id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                number serial UNIQUE,
                name text NOT NULL,
                boss int REFERENCES users (id),
                score json,
                shout text GENERATED ALWAYS AS (upper(name)) STORED,
                CONSTRAINT named CHECK (name <> '')
            )
            """;

    private final TestDatabase database;
    private final ObjectStore store;
    private final Captures captures;

    CopybackTest(TestDatabase database, @TempDir Path folder) {
        this.database = database;
        this.store = ObjectStores.open(folder.toUri().toString());
        this.captures = new Captures(database, store);
    }

    @BeforeEach
    void startEmpty() throws SQLException {
        database.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public");
    }

    @AfterEach
    void closeStore() {
        store.close();
    }

    private void fillUsers() throws SQLException {
        database.run(
                USERS,
                "CREATE INDEX users_by_name ON users (lower(name))",
                "INSERT INTO users (name, boss, score) "
                        + "SELECT 'n' || i, nullif(i - 1, 0), '{\"a\": 1}' FROM generate_series(1, 7) i");
    }

    private List<RestoredTable> restore(List<SnapshotManifest> manifests) throws Exception {
        Map<SnapshotManifest, RelationName> targets = new LinkedHashMap<>();
        manifests.forEach(manifest -> targets.put(manifest, Restore.defaultTarget(manifest)));
        try (Connection connection = database.connect()) {
            return new Restore(captures.archive()).restoreTogether(connection, targets, RestoreProgress.SILENT);
        }
    }

    private CopybackPlan plan(List<RestoredTable> tables, ConflictMode differing) throws Exception {
        try (Connection connection = database.connect()) {
            CopybackPlan plan = new CopybackPlanner(differing).plan(connection, tables);
            assertThat(connection.getAutoCommit()).isTrue();
            return plan;
        }
    }

    private CopybackPlan copyBack(SnapshotManifest... manifests) throws Exception {
        CopybackPlan plan = plan(restore(List.of(manifests)), ConflictMode.AS_FOUND);
        run(plan);
        return plan;
    }

    /** The script as printed, as one string. */
    private void run(CopybackPlan plan) throws SQLException {
        try {
            database.run(plan.sql());
        } catch (SQLException e) {
            throw new SQLException(e.getMessage() + "\nin\n" + plan.sql(), e);
        }
    }

    private List<String> truth() throws SQLException {
        return TableContents.of(database, "public");
    }

    /** A partition has copies of its parent's triggers and foreign keys; before PostgreSQL 15 both count as internal. */
    @ParameterizedTest
    @ValueSource(strings = {"leaf", "all of it", "by name"})
    void the_triggers_that_a_partition_has_from_its_parent_are_off_meanwhile(String what) throws Exception {
        database.run(
                "CREATE TABLE kinds (id int PRIMARY KEY)",
                "CREATE TABLE p (id int PRIMARY KEY, kind int REFERENCES kinds) PARTITION BY RANGE (id)",
                "CREATE TABLE sub PARTITION OF p FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (id)",
                "CREATE TABLE leaf PARTITION OF sub FOR VALUES FROM (0) TO (100)",
                "CREATE TABLE log (id int)",
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
                        + "'BEGIN INSERT INTO public.log VALUES (NEW.id); RETURN NEW; END'",
                "CREATE TRIGGER f AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION f()",
                "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON p DEFERRABLE FOR EACH ROW EXECUTE FUNCTION f()",
                "CREATE TRIGGER off AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION f()",
                "ALTER TABLE leaf DISABLE TRIGGER off",
                "ALTER TABLE leaf ENABLE ALWAYS TRIGGER f",
                "INSERT INTO kinds VALUES (1)",
                "INSERT INTO p SELECT i, 1 FROM generate_series(1, 9) i");
        String triggers = "SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger ORDER BY tgrelid, tgname";
        List<String> before = database.rows(triggers);
        List<SnapshotManifest> manifests = captures.takeTogether("leaf", "sub", "p");
        SnapshotManifest leaf = manifests.get(0);
        database.run("DELETE FROM p WHERE id > 3", "TRUNCATE log");

        if (what.equals("by name")) {
            restore(List.of(leaf));
            database.run(
                    OfflineCopybackScript.script(RelationName.of("public", "leaf_recovered"), RelationName.of("leaf")));
        } else {
            copyBack(what.equals("leaf") ? new SnapshotManifest[] {leaf} : manifests.toArray(SnapshotManifest[]::new));
        }

        assertThat(database.value("SELECT count(*) FROM p")).isEqualTo("9");
        assertThat(database.rows("SELECT * FROM log")).isEmpty();
        assertThat(database.rows(triggers)).containsAll(before);
        database.run("INSERT INTO p VALUES (50, 1)");
        assertThat(database.rows("SELECT * FROM log")).containsExactly("50", "50");
    }

    @Test
    void a_dropped_table_comes_back_under_its_name_with_all_that_hung_on_it() throws Exception {
        fillUsers();
        database.run(
                "DROP ROLE IF EXISTS copyback_reader",
                "CREATE ROLE copyback_reader",
                "CREATE TABLE orders (id int PRIMARY KEY, \"User\" int NOT NULL REFERENCES users ON DELETE CASCADE)",
                "INSERT INTO orders SELECT i, i FROM generate_series(1, 7) i",
                "CREATE VIEW active AS SELECT id, name FROM users WHERE name <> 'gone'",
                "CREATE VIEW active_names AS SELECT name FROM active",
                "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
                "CREATE TRIGGER keeps BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION keep()",
                "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own ON users FOR SELECT TO copyback_reader USING (name = current_user)",
                "GRANT SELECT (id, name), UPDATE (name) ON users TO copyback_reader",
                "GRANT SELECT ON active TO copyback_reader",
                "ALTER TABLE users OWNER TO copyback_reader",
                "COMMENT ON CONSTRAINT named ON users IS 'has a name'");
        List<String> before = truth();
        SnapshotManifest manifest = captures.take("users");
        database.run("DROP TABLE users CASCADE");

        CopybackPlan plan = copyBack(manifest);

        assertThat(plan.parts()).extracting(CopybackPlan.Part::situation).containsExactly(Situation.GONE);
        assertThat(truth()).isEqualTo(before);
        assertThat(database.rows("SELECT relname FROM pg_class WHERE relname LIKE '%recovered%'"))
                .isEmpty();
        database.run("INSERT INTO users (name) VALUES ('next')");
        assertThat(database.value("SELECT id || '/' || number FROM users WHERE name = 'next'"))
                .isEqualTo("8/8");
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "DROP OWNED BY copyback_reader",
                "DROP ROLE copyback_reader");
    }

    @Test
    void owned_sequences_come_back_with_their_grants_comments_and_persistence() throws Exception {
        database.run(
                "CREATE UNLOGGED TABLE tickets (id serial, number int GENERATED ALWAYS AS IDENTITY, plain serial)",
                // Before 15 a sequence has no persistence of its own.
                database.majorVersion() >= 15 ? "ALTER SEQUENCE tickets_plain_seq SET LOGGED" : "SELECT 1",
                "INSERT INTO tickets DEFAULT VALUES",
                "GRANT USAGE ON SEQUENCE tickets_id_seq TO pg_monitor",
                "GRANT SELECT ON SEQUENCE tickets_id_seq TO PUBLIC",
                "GRANT UPDATE ON SEQUENCE tickets_number_seq TO pg_monitor WITH GRANT OPTION",
                "COMMENT ON SEQUENCE tickets_id_seq IS 'it''s for tickets'",
                "COMMENT ON SEQUENCE tickets_number_seq IS 'numbers'");
        String sequences = "SELECT relname, relpersistence, relowner::regrole, obj_description(oid, 'pg_class'), "
                + "(SELECT array_agg(a::text ORDER BY a::text) FROM unnest(relacl) a) "
                + "FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace ORDER BY 1";
        List<String> before = database.rows(sequences);
        SnapshotManifest manifest = captures.take("tickets");
        for (String loss : List.of("DROP TABLE tickets", "ALTER TABLE tickets DROP COLUMN plain")) {
            database.run(loss);
            copyBack(manifest);
            database.run("DROP TABLE IF EXISTS tickets_set_aside");
            assertThat(database.rows(sequences)).as(loss).isEqualTo(before);
        }
        database.run("INSERT INTO tickets DEFAULT VALUES");
        assertThat(database.rows("SELECT * FROM tickets ORDER BY 1")).hasSize(2);
    }

    @Test
    void what_needs_a_role_tablespace_or_publication_that_is_gone_is_left_out_by_name() throws Exception {
        database.run(
                "DROP ROLE IF EXISTS copyback_gone",
                "CREATE ROLE copyback_gone",
                "SET allow_in_place_tablespaces = on",
                "CREATE TABLESPACE copyback_space LOCATION ''",
                "CREATE TABLE gone (id int) TABLESPACE copyback_space",
                "CREATE INDEX gone_id ON gone (id) TABLESPACE copyback_space",
                "CREATE VIEW over_gone AS SELECT id FROM gone",
                "ALTER VIEW over_gone OWNER TO copyback_gone",
                "CREATE PUBLICATION copyback_publication FOR TABLE gone",
                "CREATE POLICY mine ON gone TO copyback_gone USING (id > 0)",
                "GRANT SELECT ON gone TO copyback_gone",
                "INSERT INTO gone VALUES (1)");
        SnapshotManifest manifest = captures.take("gone");
        database.run(
                "DROP TABLE gone CASCADE",
                "DROP PUBLICATION copyback_publication",
                "DROP TABLESPACE copyback_space",
                "DROP ROLE copyback_gone");

        CopybackPlan plan = copyBack(manifest);

        assertThat(plan.warnings())
                .containsExactlyInAnyOrder(
                        "table public.gone is not in tablespace copyback_space, which does not exist or may not be used",
                        "index public.gone_id is not in tablespace copyback_space, which does not exist or may not be used",
                        "owner public.over_gone was left out: role copyback_gone does not exist",
                        "policy mine on public.gone was left out: role copyback_gone does not exist",
                        "grant public.gone to copyback_gone was left out: role copyback_gone does not exist",
                        "publication copyback_publication was left out: publication copyback_publication does not exist");
        assertThat(plan.sql())
                .contains(plan.warnings())
                .contains("-- GRANT SELECT ON TABLE public.gone TO copyback_gone;");
        assertThat(database.rows("SELECT id FROM over_gone")).containsExactly("1");
    }

    @Test
    void an_index_that_was_not_valid_is_left_out_by_name() throws Exception {
        database.run("CREATE TABLE twice (id int)", "INSERT INTO twice VALUES (1), (1)");
        assertThatThrownBy(() -> database.run("CREATE UNIQUE INDEX CONCURRENTLY twice_id ON twice (id)"))
                .hasMessageContaining("could not create unique index");
        SnapshotManifest manifest = captures.take("twice");
        database.run("DROP TABLE twice");

        List<RestoredTable> restored = restore(List.of(manifest));

        assertThat(restored.get(0).warnings()).containsExactly("index public.twice_id is not valid: it was left out");
        assertThat(plan(restored, ConflictMode.AS_FOUND).sql())
                .contains("--   index public.twice_id is not valid: it was left out");
    }

    @Test
    void deleted_rows_come_back_and_the_others_stay_as_they_are() throws Exception {
        fillUsers();
        SnapshotManifest manifest = captures.take("users");
        List<String> stored = database.rows("SELECT * FROM users WHERE id IN (3, 4) ORDER BY id");
        database.run(
                "UPDATE users SET boss = NULL",
                "DELETE FROM users WHERE id IN (3, 4)",
                "UPDATE users SET name = 'changed since' WHERE id = 1",
                "INSERT INTO users (name) VALUES ('new since')");

        CopybackPlan plan = copyBack(manifest);

        assertThat(plan.parts()).extracting(CopybackPlan.Part::situation).containsExactly(Situation.PRESENT);
        assertThat(database.rows("SELECT * FROM users WHERE id IN (3, 4) ORDER BY id"))
                .isEqualTo(stored);
        assertThat(database.rows("SELECT id, name FROM users WHERE id IN (1, 8) ORDER BY id"))
                .containsExactly("1|changed since", "8|new since");
        assertThat(plan.sql())
                .contains("2 stored rows missing, 5 there with other values, 1 there that are not in the snapshot");
    }

    @Test
    void an_update_that_changed_keys_is_pointed_out() throws Exception {
        database.run("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)");
        SnapshotManifest manifest = captures.take("t");
        database.run("UPDATE t SET id = id + 10");

        assertThat(plan(restore(List.of(manifest)), ConflictMode.AS_FOUND).sql())
                .contains(
                        "-- 2 rows are there that are not in the snapshot:\n-- if keys were changed, some of those are stored"
                                + " rows, which are there twice then");
    }

    @Test
    void an_update_of_every_row_is_undone() throws Exception {
        fillUsers();
        List<String> before = truth();
        SnapshotManifest manifest = captures.take("users");
        database.run("UPDATE users SET name = 'x', boss = NULL, score = '{\"a\":  1}'");

        copyBack(manifest);

        assertThat(truth()).isEqualTo(before);
    }

    /** They are checked row by row, in whichever order the rows come. */
    @Test
    void unique_values_that_moved_from_row_to_row_are_put_back() throws Exception {
        database.run(
                "CREATE EXTENSION IF NOT EXISTS btree_gist",
                "CREATE TABLE t (id int PRIMARY KEY, place int NOT NULL CONSTRAINT places UNIQUE WITH (fillfactor = 70), "
                        + "code text, n int, EXCLUDE USING gist (n WITH =))",
                "CREATE UNIQUE INDEX codes ON t (lower(code)) WHERE id > 0",
                "COMMENT ON CONSTRAINT places ON t IS 'where'",
                "COMMENT ON INDEX codes IS 'what'",
                "ALTER TABLE t REPLICA IDENTITY USING INDEX places",
                "ALTER TABLE t CLUSTER ON places",
                "INSERT INTO t SELECT i, 101 - i, 'c' || 101 - i, 101 - i FROM generate_series(1, 100) i");
        List<String> before = truth();
        SnapshotManifest manifest = captures.take("t");
        database.run(
                "UPDATE t SET place = -place, code = 'x' || code, n = -n",
                "UPDATE t SET place = 1 - place, code = 'c' || 1 - place, n = 1 - n");

        copyBack(manifest);

        assertThat(truth()).isEqualTo(before);
    }

    @Test
    void a_unique_constraint_that_another_table_refers_to_stays() throws Exception {
        database.run(
                "CREATE TABLE t (id int PRIMARY KEY, place int UNIQUE)",
                "CREATE TABLE r (place int REFERENCES t (place) ON UPDATE CASCADE)",
                "INSERT INTO t VALUES (1, 1)",
                "INSERT INTO r VALUES (1)");
        SnapshotManifest manifest = captures.take("t");
        database.run("UPDATE t SET place = 2");

        copyBack(manifest);

        assertThat(database.rows("SELECT place FROM t UNION ALL SELECT place FROM r"))
                .containsExactly("1", "1");
    }

    @Test
    void values_are_put_back_on_a_likelihood_only_where_one_transaction_changed_all_of_them() throws Exception {
        database.run(
                "CREATE TABLE t (id int PRIMARY KEY, v int)", "INSERT INTO t SELECT i, i FROM generate_series(1, 9) i");
        SnapshotManifest manifest = captures.take("t");
        database.run("UPDATE t SET v = 0");
        List<RestoredTable> restored = restore(List.of(manifest));

        assertThat(plan(restored, ConflictMode.AS_FOUND).warnings())
                .containsExactly(
                        "9 rows of table public.t get their stored values: one transaction made all of them what"
                                + " they are, and it is not certain that it is the one of the loss; leave the UPDATE out to keep"
                                + " what is there now");

        database.run("UPDATE t SET v = 7 WHERE id = 1");
        CopybackPlan plan = plan(restored, ConflictMode.AS_FOUND);
        run(plan);

        assertThat(database.rows("SELECT v, count(*) FROM t GROUP BY 1 ORDER BY 1"))
                .containsExactly("0|8", "7|1");
        assertThat(plan.parts().get(0).rows()).isEqualTo(new CopybackCounts(9, 0, 0, 9, 0, 0));
        assertThat(plan.warnings())
                .containsExactly(
                        "9 rows of table public.t are there with other values, which may have been written since,"
                                + " and stay as they are now; the script offers the UPDATE");
    }

    @Test
    void rows_that_differ_stay_where_that_is_asked_for_and_change_where_that_is() throws Exception {
        fillUsers();
        List<String> before = truth();
        SnapshotManifest manifest = captures.take("users");
        database.run("UPDATE users SET name = 'x'", "UPDATE users SET boss = NULL", "DELETE FROM users WHERE id = 7");
        List<RestoredTable> restored = restore(List.of(manifest));

        run(plan(restored, ConflictMode.LEAVE));
        assertThat(database.value("SELECT count(*) FROM users WHERE name = 'x'"))
                .isEqualTo("6");

        run(plan(restored, ConflictMode.PUT_BACK));
        assertThat(truth()).isEqualTo(before);
    }

    @Test
    void tables_that_truncate_cascade_emptied_come_back_in_the_order_of_their_foreign_keys() throws Exception {
        fillUsers();
        database.run(
                "CREATE TABLE orders (id int PRIMARY KEY, owner int NOT NULL REFERENCES users)",
                "CREATE TABLE lines (id int PRIMARY KEY, part int NOT NULL REFERENCES orders)",
                "INSERT INTO orders SELECT i, i FROM generate_series(1, 7) i",
                "INSERT INTO lines SELECT i, i FROM generate_series(1, 7) i");
        List<String> before = truth();
        List<SnapshotManifest> manifests = captures.takeTogether("lines", "orders", "users");
        database.run("TRUNCATE users RESTART IDENTITY CASCADE");

        CopybackPlan plan = copyBack(manifests.toArray(SnapshotManifest[]::new));

        assertThat(plan.parts()).extracting(part -> part.original().name()).containsExactly("users", "orders", "lines");
        assertThat(truth()).isEqualTo(before);
        database.run("INSERT INTO users (name) VALUES ('next')");
        assertThat(database.value("SELECT id || '/' || number FROM users WHERE name = 'next'"))
                .isEqualTo("8/8");
    }

    @Test
    void tables_whose_foreign_keys_go_in_a_circle_come_back_together() throws Exception {
        database.run(
                "CREATE TABLE a (id int PRIMARY KEY, b int NOT NULL)",
                "CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a)",
                "INSERT INTO a VALUES (1, 1)",
                "INSERT INTO b VALUES (1, 1)",
                "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b");
        List<String> before = truth();
        List<SnapshotManifest> manifests = captures.takeTogether("a", "b");
        database.run("TRUNCATE a, b");

        copyBack(manifests.toArray(SnapshotManifest[]::new));

        assertThat(truth()).isEqualTo(before);
    }

    @Test
    void tables_that_were_dropped_together_come_back_with_the_foreign_keys_between_them() throws Exception {
        fillUsers();
        database.run(
                "CREATE TABLE orders (id int PRIMARY KEY, owner int NOT NULL REFERENCES users)",
                "INSERT INTO orders SELECT i, i FROM generate_series(1, 7) i",
                "CREATE VIEW both_tables AS SELECT o.id, u.name FROM orders o JOIN users u ON u.id = o.owner");
        List<String> before = truth();
        List<SnapshotManifest> manifests = captures.takeTogether("orders", "users");
        database.run("DROP TABLE users, orders CASCADE");

        List<RestoredTable> restored = restore(manifests);
        assertThat(restored.get(0).warnings()).singleElement().asString().contains("orders_owner_fkey was left out");
        run(plan(restored, ConflictMode.AS_FOUND));

        assertThat(truth()).isEqualTo(before);
    }

    @Test
    void tables_that_refer_to_each_other_come_back_one_after_the_other() throws Exception {
        database.run(
                "CREATE TABLE a (id int PRIMARY KEY, b int)",
                "CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a)",
                "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b",
                "INSERT INTO a VALUES (1, NULL)",
                "INSERT INTO b VALUES (1, 1)",
                "UPDATE a SET b = 1");
        List<String> before = truth();
        SnapshotManifest first = captures.take("a");
        SnapshotManifest second = captures.take("b");
        database.run("DROP TABLE a, b");

        CopybackPlan plan = copyBack(first);
        assertThat(plan.rehearsal()).isEqualTo(new Rehearsal.Passed());
        assertThat(plan.warnings())
                .contains(
                        "foreign key b_a_fkey on public.b was left out: table public.b does not exist; it comes back with "
                                + "that");
        copyBack(second);

        assertThat(truth()).isEqualTo(before);
    }

    @Test
    void a_partition_tree_comes_back_whole() throws Exception {
        database.run(
                "CREATE TABLE events (id int GENERATED BY DEFAULT AS IDENTITY, day date NOT NULL, PRIMARY KEY (id, day)) PARTITION BY RANGE (day)",
                "CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')",
                "CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')",
                "CREATE INDEX ON events (day)",
                "INSERT INTO events (day) SELECT date '2026-01-01' + i FROM generate_series(0, 40) i");
        List<String> before = truth();
        List<SnapshotManifest> manifests = captures.takeTogether("events", "events_1", "events_2");
        database.run("DROP TABLE events");

        copyBack(manifests.toArray(SnapshotManifest[]::new));

        assertThat(truth()).isEqualTo(before);
        database.run("INSERT INTO events (day) VALUES ('2026-02-20')");
        assertThat(database.value("SELECT id FROM events_2 WHERE day = '2026-02-20'"))
                .isEqualTo("42");
    }

    @ParameterizedTest
    @ValueSource(strings = {"owners,events,events_1,events_11", "events_11,events_1,events,owners"})
    void foreign_keys_of_a_partition_tree_come_back_once_in_whatever_order(String order) throws Exception {
        database.run(
                "CREATE TABLE owners (id int PRIMARY KEY)",
                "CREATE TABLE events (day date, owner int REFERENCES owners) PARTITION BY RANGE (day)",
                "CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01') "
                        + "PARTITION BY LIST (owner)",
                "CREATE TABLE events_11 PARTITION OF events_1 FOR VALUES IN (1)",
                "INSERT INTO owners VALUES (1)",
                "INSERT INTO events VALUES ('2026-01-05', 1)");
        List<String> before = truth();
        List<SnapshotManifest> manifests = captures.takeTogether(order.split(","));
        database.run("DROP TABLE owners, events");

        copyBack(manifests.toArray(SnapshotManifest[]::new));

        assertThat(truth()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"tickets,tickets_1,events,events_1", "tickets_1,tickets,events_1,events"})
    void rows_of_partitions_are_back_before_the_rows_that_refer_to_them(String order) throws Exception {
        database.run(
                "CREATE TABLE events (id int PRIMARY KEY) PARTITION BY RANGE (id)",
                "CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (100)",
                "CREATE TABLE tickets (event int REFERENCES events) PARTITION BY RANGE (event)",
                "CREATE TABLE tickets_1 PARTITION OF tickets FOR VALUES FROM (0) TO (100)",
                "INSERT INTO events VALUES (1)",
                "INSERT INTO tickets VALUES (1)");
        List<String> before = truth();
        List<SnapshotManifest> manifests = captures.takeTogether(order.split(","));
        database.run("DELETE FROM tickets", "DELETE FROM events");

        copyBack(manifests.toArray(SnapshotManifest[]::new));

        assertThat(database.rows("SELECT * FROM tickets")).containsExactly("1");
        database.run("DROP TABLE events_recovered, events_1_recovered, tickets_recovered, tickets_1_recovered");
        assertThat(truth()).isEqualTo(before);
    }

    @Test
    void rows_of_partitions_that_refer_to_each_other_are_back_together() throws Exception {
        database.run(
                "CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree) PARTITION BY RANGE (id)",
                "CREATE TABLE tree_1 PARTITION OF tree FOR VALUES FROM (0) TO (100)",
                "CREATE TABLE tree_2 PARTITION OF tree FOR VALUES FROM (100) TO (200)",
                "INSERT INTO tree VALUES (1, NULL), (101, 1), (2, 101)");
        List<String> before = truth();
        List<SnapshotManifest> manifests = captures.takeTogether("tree", "tree_1", "tree_2");
        database.run("DELETE FROM tree");

        copyBack(manifests.toArray(SnapshotManifest[]::new));

        database.run("DROP TABLE tree_recovered, tree_1_recovered, tree_2_recovered");
        assertThat(truth()).isEqualTo(before);
        assertThat(database.rows("SELECT id FROM tree ORDER BY id")).containsExactly("1", "2", "101");
    }

    @Test
    void triggers_and_rules_do_not_change_what_is_put_back() throws Exception {
        fillUsers();
        database.run(
                "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.name := ''spoilt''; RETURN NEW; END'",
                "CREATE TRIGGER spoils BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION spoil()",
                "ALTER TABLE users ENABLE ALWAYS TRIGGER spoils",
                "CREATE RULE nothing AS ON INSERT TO users DO INSTEAD NOTHING");
        List<String> before = truth();
        SnapshotManifest manifest = captures.take("users");
        database.run("TRUNCATE users");

        copyBack(manifest);

        assertThat(truth()).isEqualTo(before);
    }

    @Test
    void a_table_without_a_key_is_filled_while_it_is_empty() throws Exception {
        database.run(
                "CREATE TABLE \"odd $backstop$ 100%\" (v text)",
                "INSERT INTO \"odd $backstop$ 100%\" VALUES ('a'), ('a'), (NULL)");
        SnapshotManifest manifest = captures.take("odd $backstop$ 100%");
        database.run("TRUNCATE \"odd $backstop$ 100%\"");

        copyBack(manifest);

        assertThat(database.rows("SELECT v FROM \"odd $backstop$ 100%\" ORDER BY v"))
                .containsExactly("a", "a", "null");
    }

    @Test
    void the_rows_that_a_table_without_a_key_lacks_are_put_back_as_often_as_they_were_stored() throws Exception {
        database.run(
                "CREATE TABLE plain (v text, j json)",
                "INSERT INTO plain VALUES ('a', '[1]'), ('a', '[1]'), ('b', NULL), (NULL, '1'), ('', '1')");
        SnapshotManifest manifest = captures.take("plain");
        database.run("DELETE FROM plain WHERE ctid IN ('(0,1)', '(0,4)', '(0,5)')");
        CopybackPlan plan = copyBack(manifest);

        assertThat(plan.rehearsal()).isEqualTo(new Rehearsal.Passed());
        assertThat(plan.sql())
                .contains(
                        "when this was written: 3 stored rows missing, 2 there, 0 there that are not in the snapshot");
        assertThat(database.rows("SELECT v, j FROM plain ORDER BY v, j::text"))
                .containsExactly("|1", "a|[1]", "a|[1]", "b|null", "null|1");
        // Once they are back, there is nothing to put back.
        run(plan);
        assertThat(database.value("SELECT count(*) FROM plain")).isEqualTo("5");
    }

    @Test
    void what_was_an_update_of_a_table_without_a_key_is_refused_before_a_script_is_written() throws Exception {
        database.run("CREATE TABLE plain (v text)", "INSERT INTO plain VALUES ('a'), ('b')");
        SnapshotManifest manifest = captures.take("plain");
        database.run("UPDATE plain SET v = 'c' WHERE v = 'a'");
        List<RestoredTable> restored = restore(List.of(manifest));

        assertThatThrownBy(() -> plan(restored, ConflictMode.AS_FOUND))
                .isInstanceOf(RecoveryException.class)
                .hasMessage("which rows of table public.plain are missing cannot be told: it has no primary key and no "
                        + "unique key without NULLs, 1 rows of snapshot " + manifest.snapshotId()
                        + " are not in it with "
                        + "the values that they had, and 1 other rows are\nHINT: the stored rows are in "
                        + "public.plain_recovered: compare the two tables, and put back what is missing by an INSERT of "
                        + "your own");
    }

    @Test
    void tables_without_columns_get_their_rows_back() throws Exception {
        database.run(
                "CREATE TABLE nothing ()", "INSERT INTO nothing DEFAULT VALUES", "INSERT INTO nothing DEFAULT VALUES");
        SnapshotManifest manifest = captures.take("nothing");
        database.run("DELETE FROM nothing WHERE ctid = '(0,1)'");

        copyBack(manifest);
        assertThat(database.value("SELECT count(*) FROM nothing")).isEqualTo("2");

        database.run(
                "TRUNCATE nothing",
                OfflineCopybackScript.script(RelationName.of("nothing_recovered"), RelationName.of("nothing")));
        assertThat(database.value("SELECT count(*) FROM nothing")).isEqualTo("2");
    }

    @Test
    void a_script_that_cannot_run_is_told_with_the_servers_words() throws Exception {
        database.run(
                "CREATE TABLE users (id int PRIMARY KEY, mail text UNIQUE)",
                "INSERT INTO users VALUES (1, 'a'), (2, 'b')");
        SnapshotManifest manifest = captures.take("users");
        database.run("DELETE FROM users WHERE id = 1", "INSERT INTO users VALUES (3, 'a')");

        CopybackPlan plan = plan(restore(List.of(manifest)), ConflictMode.AS_FOUND);

        assertThat(plan.rehearsal()).isInstanceOfSatisfying(Rehearsal.Failed.class, failed -> {
            assertThat(failed.statement()).startsWith("`INSERT INTO \"public\".\"users\"");
            assertThat(failed.reason())
                    .isEqualTo("duplicate key value violates unique constraint \"users_mail_key\" (SQLSTATE 23505)");
            assertThat(failed.hint()).startsWith("another row has taken the place of a stored one since");
        });
        assertThat(database.rows("SELECT id FROM users ORDER BY id")).containsExactly("2", "3");
    }

    @Test
    void a_rehearsal_leaves_nothing_behind_not_even_in_a_sequence() throws Exception {
        database.run(
                "CREATE TABLE users (id serial PRIMARY KEY, name text)",
                "INSERT INTO users (name) SELECT 'x' FROM generate_series(1, 9)");
        SnapshotManifest manifest = captures.take("users");
        database.run("DELETE FROM users", "ALTER SEQUENCE users_id_seq RESTART WITH 3");
        List<RestoredTable> restored = restore(List.of(manifest));
        List<String> before = truth();

        CopybackPlan plan = plan(restored, ConflictMode.AS_FOUND);

        assertThat(plan.rehearsal()).isEqualTo(new Rehearsal.Passed());
        assertThat(truth()).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "RESTART WITH 3 | 10",
                "RESTART WITH 9 | 10",
                "RESTART WITH 10 | 10",
                "RESTART WITH 1000 | 1000",
                "INCREMENT -1 MINVALUE -100 RESTART WITH -5 | -5",
                "INCREMENT -1 MINVALUE -100 RESTART WITH 7 | 0",
                "MAXVALUE 20 RESTART WITH 2 | 10",
            })
    void a_sequence_goes_on_after_what_was_given_and_never_back(String since, String next) throws Exception {
        database.run(
                "CREATE TABLE users (id serial PRIMARY KEY, name text)",
                "INSERT INTO users (name) SELECT 'x' FROM generate_series(1, 9)");
        SnapshotManifest manifest = captures.take("users");
        database.run("DELETE FROM users", "ALTER SEQUENCE users_id_seq " + since);
        List<RestoredTable> restored = restore(List.of(manifest));

        CopybackPlan plan = plan(restored, ConflictMode.AS_FOUND);
        database.run(plan.sql());

        assertThat(database.value("SELECT nextval('users_id_seq')")).isEqualTo(next);
    }

    @Test
    void a_rehearsal_does_not_queue_for_a_table_that_is_in_use() throws Exception {
        database.run("CREATE TABLE users (id int PRIMARY KEY)", "INSERT INTO users VALUES (1)");
        SnapshotManifest manifest = captures.take("users");
        database.run("DELETE FROM users");
        List<RestoredTable> restored = restore(List.of(manifest));

        try (Connection user = database.connect();
                Statement statement = user.createStatement();
                Connection connection =
                        DriverManager.getConnection(database.url() + "&options=-c%20lock_timeout=1ms")) {
            user.setAutoCommit(false);
            statement.execute("INSERT INTO users VALUES (2)");

            Rehearsal rehearsal = new CopybackPlanner(ConflictMode.AS_FOUND)
                    .plan(connection, restored)
                    .rehearsal();

            assertThat(rehearsal).isInstanceOf(Rehearsal.NotDone.class);
            user.rollback();
        }
    }

    @Test
    void a_table_that_lost_a_column_is_swapped_with_what_hangs_on_it() throws Exception {
        fillUsers();
        database.run(
                "CREATE TABLE orders (id int PRIMARY KEY, owner int NOT NULL REFERENCES users)",
                "INSERT INTO orders SELECT i, i FROM generate_series(1, 7) i",
                "CREATE VIEW ids AS SELECT id FROM users",
                "CREATE VIEW names AS SELECT name FROM users",
                "CREATE STATISTICS both_numbers ON id, number FROM users");
        List<String> before = truth();
        SnapshotManifest manifest = captures.take("users");
        database.run("ALTER TABLE users DROP COLUMN name CASCADE");

        CopybackPlan plan = copyBack(manifest);

        assertThat(plan.parts()).extracting(CopybackPlan.Part::situation).containsExactly(Situation.CHANGED);
        assertThat(plan.sql()).contains("--   column name is gone");
        assertThat(database.value("SELECT count(*) FROM users_set_aside")).isEqualTo("7");
        database.run("DROP TABLE users_set_aside");
        assertThat(truth()).isEqualTo(before);
    }

    @Test
    void partitions_whose_long_names_begin_alike_are_swapped_together() throws Exception {
        String partition = "measurements_of_all_devices_in_the_northern_hemisphere_2024";
        database.run(
                "CREATE TABLE p (id int, k int) PARTITION BY LIST (k)",
                "CREATE TABLE " + partition + "_01 PARTITION OF p FOR VALUES IN (1)",
                "CREATE TABLE " + partition + "_02 PARTITION OF p FOR VALUES IN (2)",
                "INSERT INTO p VALUES (10, 1), (20, 2)");
        List<SnapshotManifest> manifests = captures.takeTogether("p", partition + "_01", partition + "_02");
        database.run("ALTER TABLE p ALTER COLUMN id TYPE bigint");

        try (Connection connection = database.connect()) {
            List<RestoredTable> restored = new Restore(captures.archive())
                    .restoreTogether(connection, Restore.defaultTargets(manifests), RestoreProgress.SILENT);
            run(plan(restored, ConflictMode.AS_FOUND));
        }

        assertThat(database.rows("SELECT id, k, pg_typeof(id) FROM p ORDER BY id"))
                .containsExactly("10|1|integer", "20|2|integer");
    }

    @Test
    void a_function_with_a_body_in_standard_sql_that_hung_on_the_table_comes_back() throws Exception {
        database.run(
                "CREATE TABLE t (id int PRIMARY KEY)",
                "CREATE FUNCTION rows_of_t() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM t; END",
                "INSERT INTO t VALUES (1)");
        SnapshotManifest manifest = captures.take("t");
        database.run("DROP TABLE t CASCADE");

        CopybackPlan plan = plan(restore(List.of(manifest)), ConflictMode.AS_FOUND);
        assertThat(plan.rehearsal()).isEqualTo(new Rehearsal.Passed());
        // Else the driver itself cuts the script where the body ends.
        try (Connection connection = DriverManager.getConnection(database.url() + "&preferQueryMode=simple");
                Statement statement = connection.createStatement()) {
            statement.execute(plan.sql());
        }

        assertThat(database.value("SELECT rows_of_t()")).isEqualTo("1");
    }

    @Test
    void tables_of_a_group_that_changed_are_swapped_together() throws Exception {
        database.run(
                "CREATE TYPE mood AS ENUM ('ok')",
                "CREATE TABLE people (id int PRIMARY KEY, mood mood)",
                "CREATE TABLE pets (id int PRIMARY KEY, owner int REFERENCES people, mood mood)",
                "CREATE TABLE toys (id int PRIMARY KEY, pet int REFERENCES pets)",
                "INSERT INTO people VALUES (1, 'ok')",
                "INSERT INTO pets VALUES (1, 1, 'ok')",
                "INSERT INTO toys VALUES (1, 1)",
                "CREATE FUNCTION happy(p people) RETURNS boolean LANGUAGE sql AS 'SELECT p.mood IS NOT NULL'",
                "CREATE VIEW happy_people AS SELECT id FROM people p WHERE happy(p)",
                "ALTER TABLE toys ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY some_toys ON toys USING (EXISTS (SELECT FROM pets WHERE pets.id = pet))");
        List<String> before = truth();
        List<SnapshotManifest> manifests = captures.takeTogether("people", "pets");
        database.run("DROP TYPE mood CASCADE");

        copyBack(manifests.toArray(SnapshotManifest[]::new));

        database.run("DROP TABLE people_set_aside, pets_set_aside");
        assertThat(truth()).isEqualTo(before);
        assertThat(database.rows("SELECT id FROM happy_people")).containsExactly("1");
    }
}
