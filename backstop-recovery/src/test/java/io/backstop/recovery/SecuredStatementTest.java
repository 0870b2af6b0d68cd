package io.backstop.recovery;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.recovery.model.CopybackPlan;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.capture.PostgresSnapshotService;
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
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;

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
                        folder.toUri().toString(),
                        SnapshotSettings.DEFAULT_LOCK_TIMEOUT,
                        Clock.fixed(Instant.parse("2026-01-01T00:00:00Z"), ZoneOffset.UTC)));
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
                "CREATE TABLE app.orders (id serial PRIMARY KEY, owner int NOT NULL REFERENCES app.users ON DELETE CASCADE, "
                        + "state app.state DEFAULT 'new', paid numeric(9, 2))",
                "CREATE TABLE app.events (at date NOT NULL, owner int REFERENCES app.users ON DELETE CASCADE) "
                        + "PARTITION BY RANGE (at)",
                "CREATE TABLE app.events_1 PARTITION OF app.events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')",
                "CREATE TABLE app.events_2 PARTITION OF app.events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')",
                "ALTER TABLE app.events ADD PRIMARY KEY (at, owner)",
                "CREATE INDEX ON app.orders (owner) WHERE state = 'new'",
                "CREATE VIEW app.open_orders AS SELECT o.id, u.name FROM app.orders o JOIN app.users u ON u.id = o.owner "
                        + "WHERE o.state = 'new'",
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

    private void run(Destruction destruction, String statement, String... before) throws Exception {
        try (Connection connection = database.connect();
                Statement sql = connection.createStatement()) {
            connection.setAutoCommit(false);
            for (String each : before) {
                sql.execute(each);
            }
            SecuredRows secured = snapshots.secure(
                    connection,
                    Connections.NONE,
                    new SnapshotRequest(
                            List.of(destruction),
                            List.of(),
                            Long.MAX_VALUE,
                            Optional.empty(),
                            "localhost:5432/test",
                            "agent",
                            "0".repeat(64),
                            Optional.empty(),
                            false),
                    Progress.SILENT);
            sql.execute(statement);
            secured.confirmNothingElseWasDestroyed();
            connection.commit();
        }
    }
}
