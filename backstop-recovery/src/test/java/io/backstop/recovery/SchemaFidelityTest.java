package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.Fixture.Loss;
import io.backstop.recovery.model.ConflictMode;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.describe.TableDescriber;
import io.backstop.snapshot.schema.RebuildScript;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * After a loss, a restore and its copyback, {@code pg_dump} writes what it wrote before: schema, rows, values of sequences
 * and which materialized views are filled. One case for each fixture.
 */
@Sampled
class SchemaFidelityTest {
    private static final String DATABASE = "fidelity";

    private static final String BARE = "SELECT format('CREATE TABLE %%I.%%I (%%s)', n.nspname, c.relname, string_agg("
            + "format('%%I %%s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)) FROM pg_class c "
            + "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 "
            + "AND NOT attisdropped WHERE n.nspname = '%s' AND c.relname = '%s' AND c.relkind IN ('r', 'p') "
            + "AND NOT c.relispartition GROUP BY n.nspname, c.relname";

    private static final String SET_ASIDE = "SELECT format('DROP TABLE %s', oid::regclass) FROM pg_class "
            + "WHERE relkind = 'r' AND relname LIKE '%\\_set\\_aside%'";

    private static @Nullable InstalledPostgres server;

    private final Path folder;

    SchemaFidelityTest(@TempDir Path folder) {
        this.folder = folder;
    }

    static Stream<Loss> losses() throws IOException {
        return Fixture.all().stream().flatMap(fixture -> fixture.losses().stream());
    }

    /** The scripts of several tables overlap, and none of them swaps tables. */
    static Stream<Loss> dropsOfOneTable() throws IOException {
        return losses().filter(loss ->
                loss.fixture().tables().size() == 1 && loss.sql().startsWith("DROP"));
    }

    @BeforeAll
    static void start() throws IOException {
        Optional<Path> programs = InstalledPostgres.programs();
        assumeTrue(
                programs.isPresent(),
                "no folder with initdb, pg_ctl, postgres, pg_dump and psql was found in -Dbackstop.test.pgbin, the path "
                        + "or /usr/lib/postgresql");
        server = InstalledPostgres.start(programs.orElseThrow());
        server.run("postgres", Fixture.cluster());
    }

    @AfterAll
    static void stop() throws IOException {
        if (server != null) {
            server.close();
        }
    }

    private TestDatabase database(Loss loss) throws Exception {
        TestDatabase database = server().create(DATABASE);
        int version = Integer.parseInt(database.value("SHOW server_version_num")) / 10_000;
        assumeTrue(
                version >= loss.fixture().since(),
                "needs PostgreSQL " + loss.fixture().since());
        server().run(DATABASE, loss.fixture().setup());
        return database;
    }

    @BeforeEach
    @AfterEach
    void dropDatabase() throws IOException {
        server().drop(DATABASE);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("losses")
    void a_restore_and_its_copyback_bring_back_what_pg_dump_sees(Loss loss) throws Exception {
        TestDatabase database = database(loss);
        List<String> before = server().dump(DATABASE);
        try (ObjectStore store = ObjectStores.open(folder.toUri().toString());
                Connection connection = database.connect()) {
            Captures captures = new Captures(database, store);
            List<SnapshotManifest> manifests =
                    capture(captures, connection, loss.fixture().tables());
            server().run(DATABASE, loss.sql());
            assertThat(server().dump(DATABASE)).as("the loss").isNotEqualTo(before);

            Map<SnapshotManifest, RelationName> targets = new LinkedHashMap<>();
            manifests.forEach(manifest -> targets.put(manifest, Restore.defaultTarget(manifest)));
            List<RestoredTable> restored =
                    new Restore(captures.archive()).restoreTogether(connection, targets, RestoreProgress.SILENT);
            String script = new CopybackPlanner(ConflictMode.AS_FOUND)
                    .plan(connection, restored)
                    .sql();
            run(script);
            run(leftovers(script));

            assertThat(server().dump(DATABASE)).as(script).containsExactlyElementsOf(before);
        }
    }

    /** As an ORM's migration makes it: with the names and types of its columns, and nothing else. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("dropsOfOneTable")
    void a_table_that_was_made_again_bare_makes_way_for_all_that_pg_dump_sees(Loss loss) throws Exception {
        TestDatabase database = database(loss);
        List<String> before = server().dump(DATABASE);
        try (ObjectStore store = ObjectStores.open(folder.toUri().toString());
                Connection connection = database.connect()) {
            Captures captures = new Captures(database, store);
            SnapshotManifest manifest =
                    capture(captures, connection, loss.fixture().tables()).get(0);
            List<String> bare = database.rows(BARE.formatted(manifest.schema(), manifest.table()));
            server().run(DATABASE, loss.sql());
            assumeTrue(
                    !bare.isEmpty()
                            && database.value("SELECT count(*) FROM pg_namespace WHERE nspname = '%s'"
                                            .formatted(manifest.schema()))
                                    .equals("1"),
                    "an ordinary table of a schema that is still there");
            database.run(bare.get(0));

            RestoredTable restored = new Restore(captures.archive())
                    .restoreTogether(
                            connection, Map.of(manifest, Restore.defaultTarget(manifest)), RestoreProgress.SILENT)
                    .get(0);
            String script = new CopybackPlanner(ConflictMode.AS_FOUND)
                    .choosing(tables -> Optional.of(PresentMode.REPLACE))
                    .plan(connection, List.of(restored))
                    .sql();
            run(script);
            run(database.value(SET_ASIDE));

            assertThat(server().dump(DATABASE)).as(script).containsExactlyElementsOf(before);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("dropsOfOneTable")
    void the_script_of_a_snapshot_brings_back_the_schema_in_psql_alone(Loss loss) throws Exception {
        TestDatabase database = database(loss);
        List<String> before = server().dump(DATABASE, "--schema-only");
        String script;
        try (Connection connection = database.connect()) {
            RelationName table = tables(connection, loss.fixture().tables()).get(0);
            script = RebuildScript.of(
                    new TableDescriber()
                            .describe(connection, table.schema().orElseThrow(), table.name())
                            .orElseThrow(),
                    List.of(),
                    List.of(),
                    "");
        }
        server().run(DATABASE, loss.sql());

        run("BEGIN;\n" + script + "COMMIT;\n");

        assertThat(server().dump(DATABASE, "--schema-only")).as(script).containsExactlyElementsOf(before);
    }

    private static List<SnapshotManifest> capture(Captures captures, Connection connection, List<String> tables)
            throws Exception {
        List<SnapshotManifest> manifests = new ArrayList<>();
        connection.setAutoCommit(false);
        for (RelationName table : tables(connection, tables)) {
            manifests.add(
                    captures.take(connection, table.schema().orElseThrow(), table.name(), "grp_00000000000000fd"));
        }
        connection.rollback();
        connection.setAutoCommit(true);
        return manifests;
    }

    private static List<RelationName> tables(Connection connection, List<String> names) throws SQLException {
        List<RelationName> tables = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement("SELECT nspname, relname FROM pg_class "
                + "JOIN pg_namespace n ON n.oid = relnamespace WHERE pg_class.oid = CAST(? AS regclass)")) {
            for (String name : names) {
                statement.setString(1, name);
                try (ResultSet result = statement.executeQuery()) {
                    result.next();
                    tables.add(RelationName.of(result.getString(1), result.getString(2)));
                }
            }
        }
        return tables;
    }

    private void run(String script) throws IOException {
        try {
            server().run(DATABASE, script);
        } catch (IOException e) {
            throw new IOException(e.getMessage() + "\nin\n" + script, e);
        }
    }

    /** What the script says to drop once all is seen to be right. */
    private static String leftovers(String script) {
        return String.join(
                "\n",
                script.lines()
                        .filter(line -> line.matches("-- DROP (FOREIGN )?TABLE .*"))
                        .map(line -> line.substring("-- ".length()))
                        .toList());
    }

    private static InstalledPostgres server() {
        return Objects.requireNonNull(server);
    }
}
