package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.model.ConflictMode;
import io.backstop.recovery.model.CopybackPlan;
import io.backstop.recovery.model.Rehearsal;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.TestDatabase;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** A script means the same in every {@code psql}: whatever its encoding, variables and start-up settings are. */
class PsqlScriptTest {
    private static final String DATABASE = "scripts";
    private static final String DROP = "DROP TABLE \"t:name\" CASCADE";

    /** What a text may be taken for by psql, or by a server with other settings. */
    private static final String SETUP = """
            SET client_encoding = 'UTF8';
            CREATE TABLE "t:name" (
                id int PRIMARY KEY, n int NOT NULL DEFAULT 2, "USER" int DEFAULT 3, tags text[] NOT NULL,
                at timestamptz DEFAULT '2026-02-01 12:00:00+01', x float8, day date, CONSTRAINT "k:'name'" CHECK (n > 0));
            INSERT INTO "t:name" (id, tags, x, day)
                SELECT i, ARRAY['café', 'b', NULL, 'd'], i / 3::float8, date '2026-03-04' + i FROM generate_series(1, 20) i;
            COMMENT ON TABLE "t:name" IS '\\q :name :''name'' :"name" \\! rm -rf -- naïve';
            CREATE INDEX "i:name" ON "t:name" ((tags[1:2]));
            CREATE VIEW v1 AS SELECT id, tags[1: n] AS "first", tags[n: "USER"] AS "next", 'café' AS "à",
                E'back\\\\slash :name' AS b, '\\q' AS c, ':name'::text AS d, NOT (x IS NULL) AS e FROM "t:name";
            CREATE VIEW v2 AS SELECT date '2026-02-01' AS d, interval '1 year 2 days -3:04' AS i,
                '{1,NULL}'::text[] AS a, 0.1::float8 + 1e-17 AS f, timestamptz '2026-02-01 12:00+01' AS t,
                '\\xdeadbeef'::bytea AS y, 'a <b/> c'::xml AS m, 12.5::money AS c, id FROM "t:name";
            CREATE VIEW v3 AS SELECT id FROM "t:name" WHERE (n = NULL::int) IS NULL;
            CREATE FUNCTION f(lo int) RETURNS SETOF text[] BEGIN ATOMIC
                SELECT tags[lo: n] FROM "t:name" WHERE tags[1] = 'é;'; SELECT tags[lo: lo] FROM "t:name"; END;
            CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $body$ DECLARE x int; BEGIN x := 1; RETURN NEW; /* :name \\q */ END $body$;
            CREATE TRIGGER "g:name" BEFORE INSERT ON "t:name" FOR EACH ROW WHEN (NEW.tags[1: NEW.n] IS NOT NULL)
                EXECUTE FUNCTION g(':name', '\\q');
            CREATE POLICY p ON "t:name" USING (tags[1] = 'café' OR day < '2026-12-11');
            CREATE RULE r AS ON UPDATE TO "t:name" DO ALSO (NOTIFY a; NOTIFY b);
            """;

    private static @Nullable InstalledPostgres server;

    private final Path folder;

    PsqlScriptTest(@TempDir Path folder) {
        this.folder = folder;
    }

    @BeforeAll
    static void start() throws IOException {
        Optional<Path> programs = InstalledPostgres.programs();
        assumeTrue(programs.isPresent(), "needs an installed PostgreSQL with psql and pg_dump");
        server = InstalledPostgres.start(programs.orElseThrow());
    }

    @AfterAll
    static void stop() throws IOException {
        if (server != null) {
            server.close();
        }
    }

    @BeforeEach
    @AfterEach
    void dropDatabase() throws IOException {
        server().drop(DATABASE);
    }

    @ParameterizedTest
    @CsvSource({"UTF8, UTF8", "UTF8, LATIN1", "UTF8, SQL_ASCII", "UTF8, SJIS", "LATIN1, LATIN1", "LATIN1, UTF8"})
    void text_stays_what_it_is_in_every_encoding(String database, String client) throws Exception {
        comesBack(database, DROP, Optional.empty(), Map.of("PGCLIENTENCODING", client), "-v", "ON_ERROR_STOP=1");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ON_ERROR_STOP=1 name=evil n=7 lo=7 USER=7 body=7",
                "ON_ERROR_STOP=0 name=';DROP",
                "ON_ERROR_ROLLBACK=on",
                "AUTOCOMMIT=off",
                "ECHO=all VERBOSITY=verbose",
                "COMP_KEYWORD_CASE=upper QUIET=on",
            })
    void variables_of_psql_change_nothing(String variables) throws Exception {
        String[] options = variables.replaceAll("(^| )", " -v ").strip().split(" ");
        comesBack("UTF8", DROP, Optional.empty(), Map.of(), options);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DateStyle = 'SQL, DMY'",
                "IntervalStyle = 'sql_standard'",
                "extra_float_digits = -15",
                "standard_conforming_strings = off",
                "array_nulls = off",
                "transform_null_equals = on",
                "bytea_output = 'escape'",
                "xmloption = 'document'",
                "TimeZone = 'Asia/Kolkata'",
                "quote_all_identifiers = on",
                "search_path = ''",
                "default_transaction_isolation = 'serializable'",
                "check_function_bodies = on",
            })
    void settings_of_the_role_or_database_change_nothing(String setting) throws Exception {
        comesBack("UTF8", DROP, Optional.of(setting), Map.of());
    }

    @Test
    void a_psql_that_reads_line_by_line_changes_nothing_or_all() throws Exception {
        TestDatabase database = filled("UTF8");
        String script = script(database, DROP).sql();
        List<String> before = dump();

        assertThatThrownBy(() -> server().run(DATABASE, script, Map.of(), "-S", "-v", "ON_ERROR_STOP=1"))
                .isInstanceOf(IOException.class);

        assertThat(dump()).isEqualTo(before);
    }

    @Test
    void rows_come_back_whatever_the_settings_are() throws Exception {
        comesBack(
                "UTF8",
                "DELETE FROM \"t:name\" WHERE id > 5",
                Optional.empty(),
                Map.of("PGCLIENTENCODING", "LATIN1", "PGDATESTYLE", "SQL, DMY"),
                "-v",
                "name=evil");
    }

    private TestDatabase filled(String encoding) throws IOException {
        TestDatabase database = server().create(DATABASE, encoding);
        server().run(DATABASE, SETUP);
        return database;
    }

    private void comesBack(
            String encoding, String loss, Optional<String> setting, Map<String, String> environment, String... options)
            throws Exception {
        TestDatabase database = filled(encoding);
        List<String> before = dump();
        CopybackPlan plan = script(database, loss);
        assertThat(plan.rehearsal()).isEqualTo(new Rehearsal.Passed());
        if (setting.isPresent()) {
            server().run("postgres", "ALTER DATABASE " + DATABASE + " SET " + setting.get());
        }

        server().run(DATABASE, plan.sql(), environment, options);

        server().run("postgres", "ALTER DATABASE " + DATABASE + " RESET ALL");
        server().run(DATABASE, "SET client_min_messages = error; DROP TABLE IF EXISTS \"t:name_recovered\"");
        assertThat(dump()).as(plan.sql()).containsExactlyElementsOf(before);
    }

    private CopybackPlan script(TestDatabase database, String loss) throws Exception {
        try (ObjectStore store = ObjectStores.open(folder.toUri().toString());
                Connection connection = database.connect()) {
            Captures captures = new Captures(database, store);
            SnapshotManifest manifest = captures.take("t:name");
            database.run(loss);
            Map<SnapshotManifest, RelationName> targets = new LinkedHashMap<>();
            targets.put(manifest, Restore.defaultTarget(manifest));
            List<RestoredTable> restored =
                    new Restore(captures.archive()).restoreTogether(connection, targets, RestoreProgress.SILENT);
            return new CopybackPlanner(ConflictMode.AS_FOUND).plan(connection, restored);
        }
    }

    private static List<String> dump() throws IOException {
        return server().dump(DATABASE, "-E", "UTF8");
    }

    private static InstalledPostgres server() {
        return Objects.requireNonNull(server);
    }
}
