package io.backstop.story;

import io.backstop.api.snapshot.DatabaseIdentity;
import io.backstop.api.snapshot.Progress.Step;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;
import io.backstop.jdbc.control.SqlControlStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/** Attacks on statements that rely on what the real sidecar stored beforehand. */
class RecentSidecarTest extends GuardedStory {
    private static final String RECENT = "\"snapshot_mode\": \"recent\"";

    private Backstop backstop;

    @BeforeEach
    void guard() throws SQLException, IOException {
        backstop = backstop(RECENT);
    }

    @AfterEach
    void closeGuard() {
        backstop.close();
    }

    private void sidecar(String... tables) {
        List<String> arguments =
                new ArrayList<>(List.of("sidecar", "--control", control().toString(), "--every", "0", "--rounds", "1"));
        Stream.of(tables).forEach(table -> arguments.addAll(List.of("--table", table)));
        CommandRun run = command(arguments.toArray(String[]::new));
        assertThat(run.exitCode()).as(run.errors()).isZero();
    }

    private void assertRefused(String sql, String reason) throws SQLException {
        assertThat(outcome(backstop, sql)).startsWith("ZB007").contains(reason);
    }

    /** Outcomes are written behind the statement, and all of them before a guard is closed. */
    private String told() throws SQLException {
        backstop.close();
        try (SqlControlStore store = SqlControlStore.sqlite(control(), Clock.systemUTC())) {
            return store.audit().newest(50).stream()
                    .map(record -> record.event().outcome())
                    .filter(outcome -> outcome.contains("saved beforehand"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    @Test
    void tells_what_others_wrote_since_though_the_transaction_has_looked_at_the_statistics_before() throws Exception {
        sidecar("t");
        try (Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SELECT n_tup_ins, n_tup_upd FROM pg_stat_user_tables WHERE relname = 't'");
            database.run("UPDATE t SET k = 100 WHERE id <= 400", "SELECT pg_stat_force_next_flush()");
            statement.execute("TRUNCATE t");
            connection.commit();
        }
        assertThat(told()).contains("about 400 rows written since are in no snapshot");
    }

    @Test
    void tells_what_the_transaction_itself_wrote() throws Exception {
        sidecar("t");
        try (Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("INSERT INTO t SELECT i, 1, 'new' FROM generate_series(1001, 1300) i");
            statement.execute("SAVEPOINT s");
            statement.execute("INSERT INTO t SELECT i, 1, 'new' FROM generate_series(1301, 1500) i");
            statement.execute("TRUNCATE t");
            connection.commit();
        }
        assertThat(told()).contains("about 500 rows written since are in no snapshot");
    }

    @Test
    void a_heartbeat_from_the_future_is_no_sign_of_life() throws Exception {
        sidecar("t");
        Long oid = Long.valueOf(database.value("SELECT 't'::regclass::oid::bigint"));
        SnapshotManifest taken = archive.list("public", "t").get(0);
        String name = taken.database();
        DatabaseIdentity identity = DatabaseIdentity.of(taken).orElseThrow();
        String sidecar = name + " (server " + identity.server().systemIdentifier() + "): public.t";
        try (SqlControlStore other = SqlControlStore.sqlite(
                folder.resolve("backstop.db"), Clock.offset(Clock.systemUTC(), Duration.ofDays(1)))) {
            other.heartbeats().beat(sidecar, name, Optional.of(identity), Set.of(oid));
        }
        assertRefused("TRUNCATE t", "in the future, so it says nothing about now");
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("1000");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE t RENAME TO x; CREATE TABLE t (LIKE x INCLUDING ALL); INSERT INTO t SELECT * FROM x",
                "ALTER TABLE t RENAME TO x; CREATE TABLE t (LIKE x INCLUDING ALL); DROP TABLE x",
                "CREATE SCHEMA app; ALTER TABLE t SET SCHEMA app; CREATE TABLE t (LIKE app.t INCLUDING ALL)",
                "TRUNCATE t; INSERT INTO t SELECT i, 1, 'other' FROM generate_series(1, 1000) i",
                "CREATE TABLE y (LIKE t INCLUDING ALL); ALTER TABLE t RENAME TO z; ALTER TABLE y RENAME TO t",
            })
    void a_table_that_took_the_name_is_not_covered(String change) throws Exception {
        sidecar("t");
        database.run(change.split("; "));
        String rows = database.value("SELECT count(*) FROM t");
        assertRefused("TRUNCATE t", "another table of that name");
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo(rows);
    }

    @Test
    void a_table_that_was_renamed_is_not_covered_by_what_was_stored_under_another_name() throws Exception {
        sidecar("t");
        database.run("ALTER TABLE t RENAME TO renamed");
        assertThat(outcome(backstop, "TRUNCATE renamed")).startsWith("ZB007");
        database.run("ALTER TABLE renamed RENAME TO t");
        assertThat(outcome(backstop, "TRUNCATE t")).startsWith("ok");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE INDEX since ON t (v)",
                "ALTER TABLE t ADD CONSTRAINT since CHECK (id > 0)",
                "ALTER TABLE t ALTER v SET DEFAULT 'since'",
                "CREATE VIEW since AS SELECT * FROM t",
                "COMMENT ON TABLE t IS 'since'",
                "GRANT SELECT ON t TO PUBLIC"
            })
    void what_was_defined_since_does_not_go_with_the_table(String definition) throws Exception {
        sidecar("t");
        database.run(definition);
        assertRefused("DROP TABLE t CASCADE", "is defined otherwise than in its newest snapshot");
        assertThat(outcome(backstop, "TRUNCATE t")).startsWith("ok");
    }

    @Test
    void a_schema_with_more_than_tables_does_not_go() throws Exception {
        database.run(
                "CREATE SCHEMA app",
                "CREATE TABLE app.u (id serial PRIMARY KEY)",
                "INSERT INTO app.u SELECT FROM generate_series(1, 10)",
                "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'",
                "CREATE SEQUENCE app.alone");
        sidecar("app.u");
        try (Backstop open = backstop(RECENT + ", \"block_operations\": []")) {
            assertThat(outcome(open, "DROP SCHEMA app CASCADE"))
                    .startsWith("ZB007")
                    .contains("takes away more than tables");
        }
        database.run("INSERT INTO app.u DEFAULT VALUES");
        assertThat(outcome(backstop, "DROP TABLE app.u"))
                .as("the sequence alone moved")
                .startsWith("ok");
    }

    @Test
    void a_storage_that_was_swapped_covers_nothing() throws Exception {
        sidecar("t");
        Path there = folder.resolve("snapshots");
        Files.move(there, folder.resolve("elsewhere"));
        Files.createDirectory(there);
        assertRefused("TRUNCATE t", "there is no snapshot of table public.t");
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("1000");
    }

    @Test
    void a_snapshot_with_a_flipped_bit_covers_nothing() throws Exception {
        sidecar("t");
        try (Stream<Path> files = Files.walk(folder.resolve("snapshots"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                byte[] whole = Files.readAllBytes(file);
                byte[] bytes = whole.clone();
                bytes[bytes.length / 2] ^= 1;
                Files.write(file, bytes);
                assertThat(outcome(backstop, "TRUNCATE t")).as(file.toString()).startsWith("ZB007");
                Files.write(file, whole);
            }
        }
        assertThat(outcome(backstop, "TRUNCATE t")).startsWith("ok");
    }

    @ParameterizedTest
    @EnumSource(Step.class)
    void a_prune_leaves_what_a_statement_relies_on_whenever_it_comes(Step at) throws Exception {
        sidecar("t");
        database.run("ALTER TABLE t RENAME TO x", "CREATE TABLE t (LIKE x INCLUDING ALL)");
        sidecar("t"); // the newest of that name is of the other table
        database.run("ALTER TABLE t RENAME TO y", "ALTER TABLE x RENAME TO t");
        List<CommandRun> prunes = new ArrayList<>();
        meanwhile = step -> {
            if (step == at) {
                prunes.add(CommandRun.of(
                        "snapshots",
                        "prune",
                        "--storage",
                        storage(),
                        "--older-than",
                        "0s",
                        "--approval-retention",
                        "0s"));
            }
        };
        String outcome;
        try (Backstop alone = backstop(RECENT + ", \"require_sidecar_heartbeat\": false")) {
            outcome = outcome(alone, "TRUNCATE t");
        }
        assertThat(prunes).allMatch(prune -> prune.exitCode() == 0);
        if (outcome.startsWith("ok")) {
            SnapshotManifest kept = archive.list("public", "t").stream()
                    .filter(manifest -> manifest.rowCount() == 1000)
                    .findFirst()
                    .orElseThrow();
            archive.verify(kept);
        } else {
            assertThat(outcome).startsWith("ZB007");
            assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("1000");
        }
    }

    @Test
    void a_clone_of_the_database_is_not_covered_by_its_models_snapshots() throws Exception {
        sidecar("t");
        SnapshotManifest manifest = archive.list("public", "t").get(0);
        assertThat(manifest.identity()).isPresent();
        String other =
                "clone_" + Long.toHexString(manifest.identity().orElseThrow().databaseOid());
        String name = database.value("SELECT current_database()");
        String server = database.url().replaceFirst("/" + name + "(?=[?]|$)", "/postgres");
        try (Connection connection = DriverManager.getConnection(server);
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '" + name
                    + "'"); // a model is copied while nobody uses it
            statement.execute("CREATE DATABASE " + other + " TEMPLATE " + name);
            try (Connection clone = backstop.guard(DriverManager.getConnection(
                            database.url().replaceFirst("/" + name + "(?=[?]|$)", "/" + other)));
                    Statement truncate = clone.createStatement()) {
                assertThat(outcome(truncate, "TRUNCATE t")).startsWith("ZB007");
            } finally {
                statement.execute("DROP DATABASE " + other);
            }
        }
    }
}
