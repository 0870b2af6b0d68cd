package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Column;
import io.backstop.snapshot.schema.TableDescription.ColumnSettings;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;

/** What the server of the snapshot had and this one lacks does not keep a table from coming back, and is told. */
@ExtendWith(PostgresExtension.class)
class OtherServerTest {
    private final TestDatabase database;
    private final ObjectStore store;
    private final Captures captures;

    OtherServerTest(TestDatabase database, @TempDir Path folder) {
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

    private RecoveryReport recover(String table) throws Exception {
        try (Connection connection = database.connect()) {
            return new GuidedRecovery(captures.archive()).recover(connection, table, RestoreProgress.SILENT);
        }
    }

    /** No server knows zstd for columns. */
    private static TableDescription compressedByZstd(TableDescription table) {
        return table.with(
                table.columns().stream()
                        .map(column -> column.name().equals("x") ? column.with(byZstd(column)) : column)
                        .toList(),
                table.omissions());
    }

    private static ColumnSettings byZstd(Column column) {
        return new ColumnSettings(
                column.settings().storage(),
                Optional.of("zstd"),
                column.settings().statistics(),
                column.settings().options());
    }

    @Test
    void a_compression_that_the_server_was_built_without_becomes_a_warning() throws Exception {
        database.run(
                "CREATE TABLE t (id int, x text, y text COMPRESSION pglz)",
                "ALTER TABLE t ALTER COLUMN x SET STORAGE EXTERNAL, ALTER COLUMN x SET STATISTICS 7",
                "INSERT INTO t VALUES (1, repeat('x', 9000), 'y')");
        SnapshotManifest manifest = captures.takeDescribed("t", OtherServerTest::compressedByZstd);
        database.run("DROP TABLE t");

        RecoveryReport report = recover("t");

        String warning = "column x of table public.t keeps the default compression: the server was built without zstd";
        assertThat(report.notes()).containsOnlyOnce("public.t_recovered: " + warning);
        assertThat(report.copyback().sql()).contains("--   " + warning);
        database.run(report.copyback().sql());
        assertThat(database.rows("SELECT attname, attcompression, attstorage, attstattarget FROM pg_attribute "
                        + "WHERE attrelid = 'public.t'::regclass AND attname IN ('x', 'y') ORDER BY 1"))
                .satisfiesExactly(
                        x -> assertThat(x).isEqualTo("x||e|7"),
                        y -> assertThat(y).startsWith("y|p|x|"));
        database.run("ALTER TABLE t RENAME TO again");
        try (Connection connection = database.connect()) {
            assertThat(new Restore(captures.archive())
                            .validate(connection, manifest, RelationName.of("public", "again"))
                            .validation()
                            .holds())
                    .isTrue();
        }
    }

    /** The provider of a label has to be loaded to set one, and there is none to be had; so the catalog is written itself. */
    @Test
    void labels_of_a_provider_that_is_not_loaded_are_left_out_and_offered() throws Exception {
        database.run(
                "CREATE TABLE t (id serial, \"Secret\" text)",
                "CREATE VIEW v AS SELECT id FROM t",
                "CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS 'SELECT 1'");
        for (String object : List.of(
                "'pg_class', 't'::regclass, 0",
                "'pg_class', 't'::regclass, 2",
                "'pg_class', 't_id_seq'::regclass, 0",
                "'pg_class', 'v'::regclass, 0",
                "'pg_proc', 'f'::regproc, 0")) {
            database.run(
                    "INSERT INTO pg_seclabel (classoid, objoid, objsubid, provider, label) SELECT c::regclass, o, s, "
                            + "'Dummy', 'it''s secret' FROM (VALUES (" + object + ")) x(c, o, s)");
        }
        captures.take("t");
        database.run("DROP TABLE t CASCADE");

        RecoveryReport report = recover("t");

        assertThat(report.copyback().warnings())
                .containsExactlyInAnyOrder(
                        leftOut("public.t"),
                        leftOut("public.t.\"Secret\""),
                        leftOut("public.t_id_seq"),
                        leftOut("public.v"),
                        leftOut("public.f(public.t)"));
        assertThat(report.copyback().sql().lines())
                .contains(
                        "-- SECURITY LABEL FOR \"Dummy\" ON TABLE public.t IS 'it''s secret';",
                        "-- SECURITY LABEL FOR \"Dummy\" ON COLUMN public.t.\"Secret\" IS 'it''s secret';",
                        "-- SECURITY LABEL FOR \"Dummy\" ON SEQUENCE public.t_id_seq IS 'it''s secret';",
                        "-- SECURITY LABEL FOR \"Dummy\" ON VIEW public.v IS 'it''s secret';",
                        "-- SECURITY LABEL FOR \"Dummy\" ON ROUTINE public.f(public.t) IS 'it''s secret';");
        database.run(report.copyback().sql());
    }

    private static String leftOut(String object) {
        return "security label by \"Dummy\" on " + object
                + " was left out: security label provider Dummy is not loaded";
    }
}
