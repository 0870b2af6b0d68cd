package io.backstop.recovery;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.RowQuery;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.recovery.model.CopybackPlan;
import io.backstop.recovery.model.HistoryEntry;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RecoveryPoint;
import io.backstop.recovery.model.Rehearsal;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.archive.StatementOutcome;
import io.backstop.snapshot.capture.PostgresSnapshotService;
import io.backstop.snapshot.describe.TransactionOutcomes;
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
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What the snapshot service saves before a statement is enough to undo the statement. */
@ExtendWith(PostgresExtension.class)
class SecuredStatementTest {
    private final TestDatabase database;
    private final ObjectStore store;
    private final PostgresSnapshotService snapshots;

    SecuredStatementTest(TestDatabase database, @TempDir Path folder) {
        this.database = database;
        this.store = ObjectStores.open(folder.toUri().toString());
        this.snapshots = new PostgresSnapshotService(
                store,
                new SnapshotSettings(
                        folder.toUri().toString(), SnapshotSettings.DEFAULT_LOCK_TIMEOUT, new TickingClock()));
    }

    @BeforeEach
    void createShop() throws SQLException {
        database.run(
                "DROP SCHEMA IF EXISTS app CASCADE",
                "CREATE SCHEMA app",
                "CREATE TYPE app.state AS ENUM ('new', 'done')",
                "CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
                "CREATE TABLE app.users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, "
                        + "boss int REFERENCES app.users)",
                "CREATE TABLE app.orders (id serial PRIMARY KEY, owner int NOT NULL REFERENCES app.users ON DELETE"
                        + " CASCADE, state app.state DEFAULT 'new', paid numeric(9, 2))",
                "CREATE TABLE app.events (at date NOT NULL, owner int REFERENCES app.users ON DELETE CASCADE) "
                        + "PARTITION BY RANGE (at)",
                "CREATE TABLE app.events_1 PARTITION OF app.events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')",
                "CREATE TABLE app.events_2 PARTITION OF app.events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')",
                "ALTER TABLE app.events ADD PRIMARY KEY (at, owner)",
                "CREATE INDEX ON app.orders (owner) WHERE state = 'new'",
                "CREATE VIEW app.open_orders AS SELECT o.id, u.name FROM app.orders o JOIN app.users u ON u.id ="
                        + " o.owner WHERE o.state = 'new'",
                "CREATE TRIGGER touches BEFORE INSERT ON app.orders FOR EACH ROW EXECUTE FUNCTION app.touch()",
                "ALTER TABLE app.users ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY everybody ON app.users USING (true)",
                "GRANT SELECT ON app.users TO pg_monitor",
                "INSERT INTO app.users (name, boss) SELECT 'n' || i, nullif(i - 1, 0) FROM generate_series(1, 20) i",
                "INSERT INTO app.orders (owner, paid) SELECT i, i FROM generate_series(1, 20) i",
                "INSERT INTO app.events SELECT date '2026-01-01' + 2 * i, i FROM generate_series(1, 20) i");
    }

    @AfterEach
    void close() {
        snapshots.close();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "TRUNCATE        | app.users  | true  | TRUNCATE app.users RESTART IDENTITY CASCADE",
                "DELETE          | app.users  | false | DELETE FROM app.users",
                "DELETE          | app.orders | false | DELETE FROM app.orders WHERE id < 7",
                "UPDATE          | app.orders | false | UPDATE app.orders SET paid = 0, state = 'done'",
                "DROP_TABLE      | app.orders | true  | DROP TABLE app.orders CASCADE",
                "DROP_TABLE      | app.users  | true  | DROP TABLE app.users CASCADE",
                "DROP_TABLE      | app.events | false | DROP TABLE app.events",
                "ALTER_TABLE     | app.orders | true  | ALTER TABLE app.orders DROP COLUMN state CASCADE",
                "ALTER_TABLE     | app.orders | false | ALTER TABLE app.orders ALTER COLUMN paid TYPE int",
            })
    void a_secured_statement_can_be_undone(Kind kind, String table, boolean cascade, String statement)
            throws Exception {
        List<String> before = TableContents.of(database, "app");
        String name = table.substring("app.".length());
        run(new Destruction(kind, List.of(RelationName.of("app", name)), cascade, false), statement);
        assertThat(TableContents.of(database, "app")).isNotEqualTo(before);

        RecoveryReport report;
        try (Connection connection = database.connect()) {
            report = new GuidedRecovery(new SnapshotArchive(store))
                    .recoverGroup(connection, table, RestoreProgress.SILENT);
        }
        try {
            database.run(report.copyback().sql());
        } catch (SQLException e) {
            throw new SQLException(e.getMessage() + "\nin\n" + report.copyback().sql(), e);
        }

        database.run("DROP TABLE IF EXISTS app.orders_set_aside");
        assertThat(TableContents.of(database, "app"))
                .as(report.copyback().sql())
                .isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource({"users", "orders"})
    void a_dropped_schema_comes_back_by_any_of_its_tables(String table) throws Exception {
        List<String> before = TableContents.of(database, "app");
        run(new Destruction(Kind.DROP_SCHEMA, List.of(RelationName.of("app")), true, false), "DROP SCHEMA app CASCADE");

        try (Connection connection = database.connect()) {
            RecoveryReport report = new GuidedRecovery(new SnapshotArchive(store))
                    .recoverGroup(connection, "app." + table, RestoreProgress.SILENT);
            database.run(report.copyback().sql());
        }

        assertThat(TableContents.of(database, "app")).isEqualTo(before);
    }

    /** Another table of the name, which the temporary one had hidden, is none of its business. */
    @Test
    void a_temporary_table_comes_back_as_an_ordinary_one_and_stays_beside() throws Exception {
        database.run("DROP TABLE IF EXISTS public.basket, public.basket_recovered");
        database.run("CREATE TABLE public.basket (id int)", "INSERT INTO public.basket VALUES (7)");
        run(
                new Destruction(Kind.DROP_TABLE, List.of(RelationName.of("basket")), false, false),
                "DROP TABLE basket",
                "CREATE TEMPORARY TABLE basket (id serial PRIMARY KEY, what text NOT NULL)",
                "INSERT INTO basket (what) VALUES ('pear'), ('plum')");

        RecoveryReport report;
        try (Connection connection = database.connect()) {
            report = new GuidedRecovery(new SnapshotArchive(store))
                    .recover(connection, "basket", RestoreProgress.SILENT);
        }

        assertThat(report.validation().holds()).isTrue();
        assertThat(report.target()).isEqualTo(RelationName.of("public", "basket_recovered"));
        assertThat(report.copyback().parts())
                .extracting(CopybackPlan.Part::situation)
                .containsExactly(CopybackPlan.Situation.TEMPORARY);
        assertThat(report.copyback().sql()).contains("it was a temporary table, so the restored one stays where it is");
        database.run(report.copyback().sql(), "INSERT INTO basket_recovered (what) VALUES ('fig')");
        assertThat(database.rows("SELECT id, what FROM public.basket_recovered ORDER BY id"))
                .containsExactly("1|pear", "2|plum", "3|fig");
        assertThat(database.rows("SELECT id FROM public.basket")).containsExactly("7");
    }

    private RecoveryReport recover(String table) throws Exception {
        try (Connection connection = database.connect()) {
            return new GuidedRecovery(new SnapshotArchive(store)).recover(connection, table, RestoreProgress.SILENT);
        }
    }

    private RecoveryReport recoverBefore(String table, String before) throws Exception {
        try (Connection connection = database.connect()) {
            return new GuidedRecovery(new SnapshotArchive(store))
                    .recover(connection, table, Optional.of(RecoveryPoint.parse(before)), RestoreProgress.SILENT);
        }
    }

    /** UPDATE, then DROP COLUMN, then DROP TABLE: each has a snapshot of what it takes. */
    private List<HistoryEntry> loseThePlans() throws Exception {
        database.run(
                "CREATE TABLE app.plans (id int PRIMARY KEY, price int, secret text)",
                "INSERT INTO app.plans SELECT i, 10 * i, 's' || i FROM generate_series(1, 5) i");
        run(update("plans"), "UPDATE app.plans SET price = 0");
        List<RelationName> plans = List.of(RelationName.of("app", "plans"));
        run(new Destruction(Kind.ALTER_TABLE, plans, false, false), "ALTER TABLE app.plans DROP COLUMN secret");
        run(new Destruction(Kind.DROP_TABLE, plans, false, false), "DROP TABLE app.plans");
        try (Connection connection = database.connect()) {
            return new GuidedRecovery(new SnapshotArchive(store)).history(connection, "plans");
        }
    }

    @Test
    void the_history_of_a_table_is_told_and_any_of_its_moments_can_be_had() throws Exception {
        List<HistoryEntry> history = loseThePlans();
        assertThat(history)
                .extracting(entry -> entry.manifest().operation().orElseThrow())
                .containsExactly(Kind.DROP_TABLE, Kind.ALTER_TABLE, Kind.UPDATE);
        assertThat(history.get(1).lost()).containsExactly("column secret text");
        String first = history.get(2).manifest().snapshotId();

        RecoveryReport newest = recover("plans");

        assertThat(newest.manifest()).isEqualTo(history.get(0).manifest());
        assertThat(newest.notes())
                .anyMatch(note -> note.startsWith("this is the table as the newest snapshot has it"))
                .anyMatch(note -> note.contains(first + ": all 5 rows as they were before the UPDATE by agent"))
                .anyMatch(
                        note -> note.endsWith("before the ALTER TABLE by agent; since then gone: column secret text"));
        database.run("DROP TABLE app.plans_recovered");

        RecoveryReport before = recoverBefore("plans", first);

        assertThat(before.manifest().snapshotId()).isEqualTo(first);
        database.run(before.copyback().sql());
        assertThat(database.rows("SELECT id, price, secret FROM app.plans ORDER BY id"))
                .containsExactly("1|10|s1", "2|20|s2", "3|30|s3", "4|40|s4", "5|50|s5");
    }

    @Test
    void a_table_that_was_made_again_bare_gets_everything_that_it_had() throws Exception {
        database.run(
                "COMMENT ON TABLE app.orders IS 'what was ordered'",
                "COMMENT ON COLUMN app.orders.paid IS 'in full'",
                "ALTER TABLE app.orders ADD CHECK (paid >= 0)",
                "ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY mine ON app.orders USING (paid < 100)",
                "GRANT SELECT ON app.orders TO pg_monitor");
        List<String> before = TableContents.of(database, "app");
        run(
                new Destruction(Kind.DROP_TABLE, List.of(RelationName.of("app", "orders")), true, false),
                "DROP TABLE app.orders CASCADE");
        database.run("CREATE TABLE app.orders (id int, owner int, state app.state, paid numeric(9, 2))");

        RecoveryReport report = recover("orders");

        assertThat(report.copyback().rehearsal()).isEqualTo(new Rehearsal.Passed());
        database.run(report.copyback().sql());
        assertThat(TableContents.of(database, "app"))
                .as(report.copyback().sql())
                .isEqualTo(before);
        assertThat(database.value("SELECT nextval('app.orders_id_seq')")).isEqualTo("21");
        assertThat(database.value("SELECT obj_description('app.orders'::regclass)"))
                .isEqualTo("what was ordered");
        assertThat(report.notes())
                .anyMatch(note ->
                        note.startsWith("table app.orders was made again since, without NOT NULL of column id"));
    }

    @Test
    void the_only_copy_of_what_a_table_has_lost_is_not_to_be_dropped() throws Exception {
        run(update("orders"), "UPDATE app.orders SET paid = 0");
        database.run("DROP INDEX app.orders_owner_idx", "DROP VIEW app.open_orders");

        RecoveryReport report = recover("orders");

        assertThat(report.copyback().sql())
                .contains("-- app.orders has not what follows any more. If that is missed, uncomment it:\n-- index "
                        + "orders_owner_idx\n-- CREATE INDEX")
                .contains("-- keep app.orders_recovered until you know")
                .doesNotContain("DROP TABLE");
        assertThat(report.notes())
                .anyMatch(note -> note.startsWith("table app.orders has not all that the snapshot has: index "
                        + "orders_owner_idx, view app.open_orders"));
    }

    @Test
    void a_moment_that_no_snapshot_is_of_is_refused() throws Exception {
        loseThePlans();

        assertThatThrownBy(() -> recoverBefore("plans", "2026-02-01T00:00:00Z"))
                .isInstanceOf(RecoveryException.class)
                .hasMessageStartingWith(
                        "no snapshot of table app.plans was taken for 2026-02-01T00:00:00Z or after it");
        for (String none : new String[] {"yesterday", "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z"}) {
            assertThatThrownBy(() -> recoverBefore("plans", none)).hasMessageContaining("is no moment in the history");
        }
        assertThat(recoverBefore("plans", "2026-01-01 00:00:00+00").manifest().operation())
                .contains(Kind.UPDATE);
    }

    private static Destruction update(String table) {
        return new Destruction(Kind.UPDATE, List.of(RelationName.of("app", table)), false, false);
    }

    @Test
    void what_was_changed_rightly_since_an_update_stays() throws Exception {
        run(update("orders"), "UPDATE app.orders SET paid = 0");
        for (int id = 1; id <= 5; id++) {
            database.run("UPDATE app.orders SET state = 'done', paid = 77 WHERE id = " + id);
        }
        database.run("DELETE FROM app.orders WHERE id = 6", "INSERT INTO app.orders (owner, paid) VALUES (1, 99)");

        RecoveryReport report = recover("orders");
        database.run(report.copyback().sql());

        assertThat(database.rows("SELECT id, paid::int FROM app.orders WHERE paid NOT IN (77, 99) ORDER BY id"))
                .as(report.copyback().sql())
                .containsExactlyElementsOf(
                        IntStream.rangeClosed(7, 20).mapToObj(i -> i + "|" + i).toList());
        assertThat(database.rows("SELECT id FROM app.orders WHERE state = 'done' AND paid = 77 ORDER BY id"))
                .containsExactly("1", "2", "3", "4", "5");
        assertThat(database.value("SELECT count(*) FROM app.orders WHERE id = 6 OR paid = 99"))
                .isEqualTo("1");
        assertThat(report.notes())
                .contains("5 rows of table app.orders have been changed again since the statement and stay as they are"
                        + " now; the script lists them");
    }

    @Test
    void nothing_is_overwritten_where_every_row_was_changed_since_an_update() throws Exception {
        run(update("orders"), "UPDATE app.orders SET paid = 0");
        database.run("UPDATE app.orders SET paid = 1000 + id");

        RecoveryReport report = recover("orders");
        database.run(report.copyback().sql());

        assertThat(database.value("SELECT count(*) FROM app.orders WHERE paid = 1000 + id"))
                .isEqualTo("20");
        assertThat(report.copyback().sql()).contains("-- UPDATE ONLY \"app\".\"orders\" AS present SET");
    }

    @Test
    void rows_written_again_since_a_delete_stay() throws Exception {
        run(
                new Destruction(Kind.DELETE, List.of(RelationName.of("app", "orders")), false, false),
                "DELETE FROM app.orders");
        database.run("INSERT INTO app.orders (id, owner, paid) SELECT i, i, 500 FROM generate_series(1, 20) i");

        database.run(recover("orders").copyback().sql());

        assertThat(database.value("SELECT count(*) FROM app.orders WHERE paid = 500"))
                .isEqualTo("20");
    }

    @Test
    void rows_that_a_delete_took_from_a_table_without_a_key_are_put_back_beside_the_others() throws Exception {
        database.run(
                "CREATE TABLE app.log (n int, v json)",
                "INSERT INTO app.log SELECT i % 50, '{\"a\": 1}' FROM generate_series(1, 100) i");
        List<String> before = TableContents.of(database, "app");
        runRows(
                new Destruction(Kind.DELETE, List.of(RelationName.of("app", "log")), false, false),
                "SELECT tableoid, ctid FROM app.log WHERE n < 10",
                "DELETE FROM app.log WHERE n < 10");

        RecoveryReport report = recover("log");

        assertThat(report.manifest().coverage()).isEqualTo(SnapshotManifest.Coverage.ROWS);
        assertThat(report.copyback().rehearsal()).isEqualTo(new Rehearsal.Passed());
        database.run(report.copyback().sql());
        assertThat(TableContents.of(database, "app")).isEqualTo(before);
    }

    @Test
    void rows_that_an_update_changed_in_a_table_without_a_key_are_refused() throws Exception {
        database.run("CREATE TABLE app.log (n int)", "INSERT INTO app.log SELECT generate_series(1, 100)");
        runRows(
                update("log"),
                "SELECT tableoid, ctid FROM app.log WHERE n < 10",
                "UPDATE app.log SET n = 0 WHERE n < 10");

        assertThatThrownBy(() -> recover("log"))
                .isInstanceOf(RecoveryException.class)
                .hasMessageContaining("which rows of table app.log are missing cannot be told");
    }

    /** Nobody has marked either snapshot: the process that took them died. */
    @Test
    void a_snapshot_of_a_statement_that_was_rolled_back_does_not_hide_the_one_of_the_loss() throws Exception {
        database.run(
                "DROP TABLE IF EXISTS public.plans",
                "CREATE TABLE public.plans (id int)",
                "INSERT INTO public.plans VALUES (1), (2)");
        Destruction truncate = new Destruction(Kind.TRUNCATE, List.of(RelationName.of("plans")), false, false);
        run(truncate, "TRUNCATE plans");
        database.run("INSERT INTO public.plans VALUES (7)");
        try (Connection connection = database.connect();
                Connection operator = database.connect()) {
            connection.setAutoCommit(false);
            SecuredRows secured = snapshots.secure(connection, Connections.NONE, request(truncate), Progress.SILENT);
            SnapshotManifest open = secured.manifests().get(0);
            assertThat(TransactionOutcomes.of(operator, open)).isEqualTo(StatementOutcome.IN_PROGRESS);
            connection.rollback();
            assertThat(recovered(operator)).contains("was rolled back, and was passed over");
        }
        database.run("DROP TABLE public.plans");
    }

    private String recovered(Connection operator) throws Exception {
        RecoveryReport report =
                new GuidedRecovery(new SnapshotArchive(store)).recover(operator, "plans", RestoreProgress.SILENT);
        assertThat(database.rows("SELECT id FROM public.plans_recovered ORDER BY id"))
                .containsExactly("1", "2");
        database.run("DROP TABLE public.plans_recovered");
        return String.join("\n", report.notes());
    }

    private void run(Destruction destruction, String statement, String... before) throws Exception {
        try (Connection connection = database.connect();
                Statement sql = connection.createStatement()) {
            connection.setAutoCommit(false);
            for (String each : before) {
                sql.execute(each);
            }
            SecuredRows secured = snapshots.secure(connection, Connections.NONE, request(destruction), Progress.SILENT);
            sql.execute(statement);
            secured.confirmNothingElseWasDestroyed();
            connection.commit();
        }
    }

    private void runRows(Destruction destruction, String rows, String statement) throws Exception {
        try (Connection connection = database.connect();
                Statement sql = connection.createStatement()) {
            connection.setAutoCommit(false);
            SecuredRows secured = snapshots.secureRows(
                    connection, Connections.NONE, request(destruction), new RowQuery(rows, true), Progress.SILENT);
            sql.execute(statement);
            secured.confirmNothingElseWasDestroyed();
            connection.commit();
        }
    }

    private static SnapshotRequest request(Destruction destruction) {
        return new SnapshotRequest(
                List.of(destruction),
                List.of(),
                Long.MAX_VALUE,
                Optional.empty(),
                "localhost:5432/test",
                "agent",
                "0".repeat(64),
                Optional.empty(),
                false);
    }

    /** A second later each time, so that snapshots have an order. */
    private static final class TickingClock extends Clock {
        private final AtomicLong seconds = new AtomicLong();

        @Override
        public Instant instant() {
            return Instant.parse("2026-01-01T00:00:00Z").plusSeconds(seconds.getAndIncrement());
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }
}
