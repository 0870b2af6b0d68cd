package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.model.ConflictMode;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.recovery.model.Validation;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.S3Extension;
import io.backstop.testing.S3Server;
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

import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@ExtendWith({PostgresExtension.class, S3Extension.class})
class RestoreTest {
    private final TestDatabase database;
    private final ObjectStore store;
    private final Captures captures;

    RestoreTest(TestDatabase database, @TempDir Path folder) {
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

    private RestoredTable restore(SnapshotManifest manifest) throws Exception {
        return restore(captures, manifest, Restore.defaultTarget(manifest));
    }

    private RestoredTable restore(Captures from, SnapshotManifest manifest, RelationName target) throws Exception {
        try (Connection connection = database.connect()) {
            RestoredTable table =
                    new Restore(from.archive()).restore(connection, manifest, target, RestoreProgress.SILENT);
            assertThat(connection.getAutoCommit()).isTrue();
            return table;
        }
    }

    @Test
    void a_table_comes_back_with_everything_that_makes_it_a_table() throws Exception {
        database.run(
                "CREATE TYPE mood AS ENUM ('sad', 'ok')",
                "CREATE FUNCTION shout(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper(t)'",
                "CREATE TABLE orgs (id int PRIMARY KEY)",
                "INSERT INTO orgs VALUES (1)",
                """
                CREATE UNLOGGED TABLE users (
                    id bigint GENERATED ALWAYS AS IDENTITY (START 7 INCREMENT 3) PRIMARY KEY,
                    number serial,
                    email varchar(80) COLLATE "C" NOT NULL UNIQUE,
                    mood mood DEFAULT 'ok',
                    org int REFERENCES orgs ON DELETE CASCADE DEFERRABLE,
                    boss bigint REFERENCES users (id),
                    loud text GENERATED ALWAYS AS (shout(email)) STORED,
                    quiet text GENERATED ALWAYS AS (lower(email)) %s,
                    span int4range,
                    CONSTRAINT "no x" CHECK (email <> 'x'),
                    CONSTRAINT apart EXCLUDE USING gist (span WITH &&)
                ) WITH (fillfactor = 70, autovacuum_enabled = off)
                """.formatted(database.majorVersion() >= 18 ? "VIRTUAL" : "STORED"),
                "CREATE INDEX ON users (lower(email)) WHERE mood = 'ok'",
                "CREATE UNIQUE INDEX users_number ON users (number DESC) INCLUDE (email)",
                "COMMENT ON TABLE users IS 'it''s \\ ours'",
                "COMMENT ON COLUMN users.email IS 'where to'",
                "COMMENT ON CONSTRAINT users_pkey ON users IS 'the key'",
                "COMMENT ON INDEX users_number IS 'an index'",
                "INSERT INTO users (email, org, span) SELECT 'u' || i, 1, int4range(i, i + 1) "
                        + "FROM generate_series(1, 10) i",
                "UPDATE users SET boss = 7");
        SnapshotManifest manifest = captures.take("users");

        RestoredTable restored = restore(manifest);

        assertThat(restored.validation().holds()).isTrue();
        assertThat(restored.validation().checks())
                .extracting(Validation.Check::subject)
                .contains("rows", "row checksum", "column email", "column loud", "constraint users_recovered_apart");
        assertThat(restored.warnings()).isEmpty();
        assertThat(restored.created()).isEmpty();
    }

    @Test
    void a_restored_table_goes_on_numbering_where_the_stored_one_was() throws Exception {
        database.run(
                "CREATE TABLE t (a int GENERATED ALWAYS AS IDENTITY, b serial, c text DEFAULT 'n' || nextval('t_b_seq'))",
                "INSERT INTO t SELECT FROM generate_series(1, 5)");
        SnapshotManifest manifest = captures.take("t");
        database.run("DROP TABLE t");

        restore(manifest);

        database.run("INSERT INTO t_recovered DEFAULT VALUES");
        assertThat(database.rows("SELECT * FROM t_recovered ORDER BY a DESC LIMIT 1"))
                .containsExactly("6|11|n12");
    }

    @Test
    void names_are_free_and_short_enough_whatever_is_there() throws Exception {
        String longName = "ä".repeat(31);
        database.run(
                "CREATE TABLE \"" + longName + "\" (id serial PRIMARY KEY, v int UNIQUE)",
                "CREATE INDEX i1 ON \"" + longName + "\" (v)",
                "CREATE TABLE taken (id int CONSTRAINT other PRIMARY KEY)",
                "ALTER TABLE taken RENAME CONSTRAINT other TO short_recovered_pkey",
                "CREATE TYPE short_recovered_id_seq AS ENUM ()",
                "CREATE TABLE short (id serial PRIMARY KEY, CONSTRAINT short_recovered_pkey_1 CHECK (id > 0))");

        RestoredTable longOne = restore(captures.take(longName));
        RestoredTable shortOne = restore(captures.take("short"));

        assertThat(longOne.target().name()).isEqualTo("ä".repeat(26) + "_recovered");
        assertThat(longOne.names().constraints().values())
                .allSatisfy(name ->
                        assertThat(name.getBytes(StandardCharsets.UTF_8).length).isLessThanOrEqualTo(63));
        assertThat(shortOne.names().constraints()).containsEntry("short_pkey", "short_recovered_pkey_2");
        assertThat(shortOne.names().sequences()).containsEntry("short_id_seq", "short_recovered_id_seq_1");
    }

    @Test
    void the_session_is_afterwards_what_it_was() throws Exception {
        database.run("CREATE TABLE t (id int)");
        SnapshotManifest manifest = captures.take("t");
        String settings = "SELECT string_agg(name || '=' || setting, ',' ORDER BY name) FROM pg_settings";
        try (Connection connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute(
                    "SET search_path = public, \"odd schema\"; SET DateStyle = 'ISO, DMY'; SET TimeZone = 'Asia/Tokyo'");
            String before = value(statement.executeQuery(settings));
            RestoredTable table = new Restore(captures.archive())
                    .restore(connection, manifest, RelationName.of("copy"), RestoreProgress.SILENT);
            new CopybackPlanner(ConflictMode.AS_FOUND).plan(connection, List.of(table));
            assertThat(value(statement.executeQuery(settings))).isEqualTo(before);
        }
    }

    private static String value(ResultSet result) throws SQLException {
        try (result) {
            result.next();
            return result.getString(1);
        }
    }

    @Test
    void refuses_a_target_that_exists() throws Exception {
        database.run("CREATE TABLE t (id int)", "CREATE VIEW t_recovered AS SELECT 1");
        SnapshotManifest manifest = captures.take("t");

        assertThatThrownBy(() -> restore(manifest))
                .isInstanceOf(RecoveryException.class)
                .hasMessage(
                        "table public.t_recovered exists already\nHINT: restore under another name; a table that Backstop did"
                                + " not make is not dropped");
    }

    @Test
    void refuses_a_connection_that_may_be_in_a_transaction() throws Exception {
        database.run("CREATE TABLE t (id int)");
        SnapshotManifest manifest = captures.take("t");
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            assertThatThrownBy(() -> new Restore(captures.archive())
                            .restore(connection, manifest, RelationName.of("copy"), RestoreProgress.SILENT))
                    .isInstanceOf(RecoveryException.class)
                    .hasMessageContaining("give the recovery a connection of its own");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "data-00000.copy.zst, flipped",
        "data-00001.copy.zst, cut",
        "data-00002.copy.zst, gone",
        "schema.json, flipped",
        "schema.json, gone",
        "schema.sql, cut",
        "manifest.json, flipped",
        "manifest.json, gone"
    })
    void refuses_a_damaged_snapshot_before_it_touches_the_database(String object, String damage) throws Exception {
        database.run("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 8)");
        SnapshotManifest manifest = captures.take("t");
        assertThat(store.list("")).anyMatch(name -> name.endsWith(object));
        DamagedStore damaged = new DamagedStore(store, object, 1, content -> switch (damage) {
            case "flipped" -> {
                content[content.length / 2] ^= 1;
                yield content;
            }
            case "cut" -> Arrays.copyOf(content, content.length - 1);
            default -> new byte[0];
        });
        try (Connection connection = database.connect()) {
            FailingConnection untouchable = new FailingConnection(connection, 1);
            assertThatThrownBy(() -> new Restore(new SnapshotArchive(damaged))
                            .restore(untouchable.open(), manifest, RelationName.of("copy"), RestoreProgress.SILENT))
                    .isInstanceOf(RecoveryException.class)
                    .hasMessageStartingWith("snapshot " + manifest.snapshotId() + " is damaged: ")
                    .hasMessageContaining("HINT: restore another snapshot of public.t");
            assertThat(untouchable.failed()).isFalse();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"data-00001.copy.zst", "schema.json", "schema.sql", "manifest.json"})
    void names_the_object_that_it_may_not_read_and_does_not_touch_the_database(String object) throws Exception {
        database.run("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 8)");
        SnapshotManifest manifest = captures.take("t");
        DamagedStore denying = new DamagedStore(store, object, 1, content -> {
            throw new AccessDeniedException(object);
        });
        try (Connection connection = database.connect()) {
            FailingConnection untouchable = new FailingConnection(connection, 1);
            assertThatThrownBy(() -> new Restore(new SnapshotArchive(denying))
                            .restore(untouchable.open(), manifest, RelationName.of("copy"), RestoreProgress.SILENT))
                    .isInstanceOf(RecoveryException.class)
                    .hasMessageStartingWith("snapshot " + manifest.snapshotId() + " cannot be read: ")
                    .hasMessageContaining(object)
                    .hasMessageContaining("permission denied")
                    .hasMessageContaining("HINT: see whether the storage can be reached with these credentials");
            assertThat(untouchable.failed()).isFalse();
        }
    }

    @Test
    void leaves_nothing_where_a_chunk_changes_after_it_was_verified() throws Exception {
        createWithEverything();
        SnapshotManifest manifest = captures.take("t");
        List<String> before = catalog();
        DamagedStore damaged = new DamagedStore(store, manifest.chunks().get(2).name(), 2, content -> new byte[0]);

        try (Connection connection = database.connect()) {
            assertThatThrownBy(() -> new Restore(new SnapshotArchive(damaged))
                            .restore(connection, manifest, RelationName.of("copy"), RestoreProgress.SILENT))
                    .isInstanceOf(RecoveryException.class)
                    .hasMessageContaining("is damaged");
        }
        assertThat(damaged.wasRead()).isTrue();
        assertThat(catalog()).isEqualTo(before);
    }

    @Test
    void leaves_nothing_where_the_rows_are_not_those_of_the_manifest() throws Exception {
        createWithEverything();
        List<String> before = catalog();
        SnapshotManifest wrongSum =
                captures.takeWith("t", facts -> new Captures.RowFacts("0".repeat(32), facts.chunks()));
        SnapshotManifest wrongCount = captures.takeWith("t", facts -> {
            List<SnapshotManifest.Chunk> chunks = new ArrayList<>(facts.chunks());
            SnapshotManifest.Chunk first = chunks.get(0);
            chunks.set(0, new SnapshotManifest.Chunk(first.name(), 2, first.bytes(), first.sha256()));
            return new Captures.RowFacts(facts.checksum(), chunks);
        });

        assertThatThrownBy(() -> restore(wrongSum))
                .isInstanceOf(RecoveryException.class)
                .hasMessageContaining("DIFFERS  row checksum: expected 00000000000000000000000000000000, found ");
        assertThatThrownBy(() -> restore(wrongCount))
                .isInstanceOf(RecoveryException.class)
                .hasMessageContaining("gave 3 rows instead of 2");
        assertThat(catalog()).isEqualTo(before);
    }

    @Test
    void stopped_at_any_step_it_leaves_nothing() throws Exception {
        createWithEverything();
        SnapshotManifest manifest = captures.take("t");
        List<String> before = catalog();
        int steps = 0;
        boolean committed = false;
        while (!committed) {
            try (Connection connection = database.connect()) {
                FailingConnection failing = new FailingConnection(connection, ++steps);
                new Restore(captures.archive())
                        .restore(failing.open(), manifest, RelationName.of("copy"), RestoreProgress.SILENT);
                committed = true;
            } catch (RecoveryException e) {
                assertThat(e).hasMessageContaining("HINT: ");
                assertThat(catalog()).as("step " + steps).isEqualTo(before);
            }
        }
        assertThat(steps).isGreaterThan(30);
        assertThat(database.value("SELECT count(*) FROM copy")).isEqualTo("8");
    }

    @ParameterizedTest
    @EnumSource(
            value = RestoreProgress.Step.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"VERIFIED", "INDEXED", "COMMITTED"})
    void a_session_that_the_server_ends_leaves_nothing(RestoreProgress.Step step) throws Exception {
        createWithEverything();
        SnapshotManifest manifest = captures.take("t");
        List<String> before = catalog();
        try (Connection connection = database.connect();
                var statement = connection.createStatement()) {
            String process = value(statement.executeQuery("SELECT pg_backend_pid()"));
            RestoreProgress end = (reached, target, rows, total) -> {
                if (reached == step) {
                    try {
                        database.value("SELECT pg_terminate_backend(" + process + ", 60000)");
                    } catch (SQLException e) {
                        throw new IllegalStateException(e);
                    }
                }
            };
            assertThatThrownBy(() ->
                            new Restore(captures.archive()).restore(connection, manifest, RelationName.of("copy"), end))
                    .isInstanceOf(RecoveryException.class)
                    .hasMessageContaining("HINT: ");
        }
        assertThat(catalog()).isEqualTo(before);
    }

    @Test
    void a_foreign_key_to_a_table_that_is_gone_is_left_out_and_told() throws Exception {
        database.run(
                "CREATE TABLE orgs (id int PRIMARY KEY)",
                "INSERT INTO orgs VALUES (1)",
                "CREATE TABLE t (id int PRIMARY KEY, org int REFERENCES orgs)",
                "COMMENT ON CONSTRAINT t_org_fkey ON t IS 'x'",
                "INSERT INTO t VALUES (1, 1)");
        SnapshotManifest manifest = captures.take("t");
        database.run("DROP TABLE t, orgs");

        RestoredTable restored = restore(manifest);

        assertThat(restored.warnings())
                .containsExactly(
                        "foreign key t_org_fkey was left out: relation \"public.orgs\" does not exist (SQLSTATE 42P01)");
        assertThat(restored.validation().holds()).isTrue();
    }

    @Test
    void a_foreign_key_to_rows_that_are_gone_is_kept_for_new_rows_and_told() throws Exception {
        database.run(
                "CREATE TABLE orgs (id int PRIMARY KEY)",
                "INSERT INTO orgs VALUES (1)",
                "CREATE TABLE t (id int PRIMARY KEY, org int REFERENCES orgs)",
                "INSERT INTO t VALUES (1, 1)");
        SnapshotManifest manifest = captures.take("t");
        database.run("TRUNCATE orgs CASCADE");

        RestoredTable restored = restore(manifest);

        assertThat(restored.warnings())
                .singleElement()
                .asString()
                .startsWith("foreign key t_org_fkey was created without looking at the rows: ");
        assertThat(restored.warnings().get(0)).doesNotContain("(1)");
        assertThatThrownBy(() -> database.run("INSERT INTO t_recovered VALUES (2, 5)"))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("t_org_fkey");
    }

    @Test
    void a_role_that_is_no_superuser_restores_what_it_may_create() throws Exception {
        database.run(
                "CREATE TABLE t (id serial PRIMARY KEY, m money, x xml)",
                "INSERT INTO t (m, x) VALUES (1, '<a/>')",
                "DROP ROLE IF EXISTS restorer",
                "CREATE ROLE restorer",
                "GRANT CREATE, USAGE ON SCHEMA public TO restorer");
        SnapshotManifest manifest = captures.take("t");
        try (Connection connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute("SET ROLE restorer");
            RestoredTable table = new Restore(captures.archive())
                    .restore(connection, manifest, RelationName.of("copy"), RestoreProgress.SILENT);
            assertThat(table.validation().holds()).isTrue();
        }
        assertThat(database.value("SELECT tableowner FROM pg_tables WHERE tablename = 'copy'"))
                .isEqualTo("restorer");
        database.run("DROP OWNED BY restorer", "DROP ROLE restorer");
    }

    @Test
    void a_restored_table_is_its_makers_alone() throws Exception {
        database.run(
                "CREATE TABLE t (id serial)",
                "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC, pg_monitor",
                "ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC");
        SnapshotManifest manifest = captures.take("t");
        try {
            restore(manifest);

            assertThat(database.rows("SELECT relname, a.grantee::regrole FROM pg_class, aclexplode(relacl) a "
                            + "WHERE relname LIKE '%recovered%' ORDER BY 1"))
                    .contains("t_recovered|postgres", "t_recovered_id_seq|postgres")
                    .allMatch(line -> line.endsWith("|postgres"));
        } finally {
            database.run(
                    "ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC, pg_monitor",
                    "ALTER DEFAULT PRIVILEGES REVOKE ALL ON SEQUENCES FROM PUBLIC");
        }
    }

    @Test
    void what_drop_schema_took_along_is_made_again() throws Exception {
        database.run(
                "CREATE SCHEMA app",
                "CREATE TYPE app.mood AS ENUM ('ok')",
                "CREATE FUNCTION app.fine(m app.mood) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true'",
                "CREATE TABLE app.t (id int, m app.mood DEFAULT 'ok' CHECK (app.fine(m)))",
                "INSERT INTO app.t VALUES (1)");
        SnapshotManifest manifest;
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            manifest = captures.take(connection, "app", "t", "grp_0000000000000000");
        }
        database.run("DROP SCHEMA app CASCADE");

        RestoredTable restored = restore(manifest);

        assertThat(restored.created())
                .containsExactlyInAnyOrder("schema app", "type app.mood", "function app.fine(app.mood)");
        assertThat(database.rows("SELECT * FROM app.t_recovered")).containsExactly("1|ok");
        database.run("DROP SCHEMA app CASCADE");
    }

    @Test
    void a_collation_that_is_gone_is_made_again() throws Exception {
        database.run("CREATE COLLATION mine (provider = icu, locale = 'de')", "CREATE TABLE t (v text COLLATE mine)");
        SnapshotManifest manifest = captures.take("t");
        database.run("DROP TABLE t", "DROP COLLATION mine");

        assertThat(restore(manifest).created()).containsExactly("collation public.mine");
    }

    @Test
    void a_type_whose_owner_is_gone_is_made_without_and_told() throws Exception {
        database.run(
                "DROP ROLE IF EXISTS restore_type_owner",
                "CREATE ROLE restore_type_owner",
                "CREATE TYPE mine AS ENUM ('a')",
                "ALTER TYPE mine OWNER TO restore_type_owner",
                "CREATE TABLE t (v mine)");
        SnapshotManifest manifest = captures.take("t");
        database.run("DROP TABLE t", "DROP TYPE mine", "DROP ROLE restore_type_owner");
        assertThat(restore(manifest).warnings())
                .contains("type public.mine was made without one of its rights: role \"restore_type_owner\" does not"
                        + " exist (SQLSTATE 42704)");
        database.run("DROP TYPE mine CASCADE");
    }

    @Test
    void progress_tells_the_rows_of_the_total() throws Exception {
        createWithEverything();
        SnapshotManifest manifest = captures.take("t");
        List<String> told = new ArrayList<>();
        try (Connection connection = database.connect()) {
            new Restore(captures.archive())
                    .restore(
                            connection,
                            manifest,
                            RelationName.of("copy"),
                            (step, target, rows, total) -> told.add(step + " " + target + " " + rows + "/" + total));
        }
        assertThat(told)
                .containsExactly(
                        "VERIFIED public.copy 0/8",
                        "CREATED public.copy 0/8",
                        "LOADING public.copy 3/8",
                        "LOADING public.copy 6/8",
                        "LOADING public.copy 8/8",
                        "LOADED public.copy 8/8",
                        "CONSTRAINED public.copy 8/8",
                        "VALIDATED public.copy 8/8",
                        "COMMITTED public.copy 8/8");
    }

    @Test
    void a_snapshot_in_s3_comes_back_the_same_way(S3Server server) throws Exception {
        createWithEverything();
        try (ObjectStore s3 = ObjectStores.open(server.storage(server.newBucket() + "/backstop"))) {
            Captures inS3 = new Captures(database, s3);
            RestoredTable restored = restore(inS3, inS3.take("t"), RelationName.of("copy"));

            assertThat(restored.validation().holds()).isTrue();
            assertThat(database.rows("SELECT c::text FROM copy c ORDER BY 1"))
                    .isEqualTo(database.rows("SELECT t::text FROM t ORDER BY 1"));
        }
    }

    private void createWithEverything() throws SQLException {
        database.run(
                "CREATE TABLE other (id int PRIMARY KEY)",
                "INSERT INTO other VALUES (1)",
                "CREATE TABLE t (id serial PRIMARY KEY, a bigint GENERATED ALWAYS AS IDENTITY, v text NOT NULL UNIQUE, "
                        + "o int REFERENCES other, CONSTRAINT v CHECK (v <> ''))",
                "CREATE INDEX ON t (lower(v))",
                "COMMENT ON TABLE t IS 'all of it'",
                "INSERT INTO t (v, o) SELECT 'v' || i, 1 FROM generate_series(1, 8) i");
    }

    /** All that a restore could leave behind. */
    private List<String> catalog() throws SQLException {
        List<String> all = new ArrayList<>(database.rows(
                "SELECT relname FROM pg_class " + "WHERE relnamespace = 'public'::regnamespace ORDER BY 1"));
        all.addAll(database.rows("SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace ORDER BY 1"));
        all.addAll(database.rows(
                "SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1"));
        return all;
    }
}
