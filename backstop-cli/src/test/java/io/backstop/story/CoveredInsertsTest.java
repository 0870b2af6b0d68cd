package io.backstop.story;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** Rows that ordinary statements insert are stored when they are there, and an undo takes them away again. */
class CoveredInsertsTest extends UndoneStory {
    private static final String COVER = "\"cover_writes\": \"all\", \"write_budget\": \"none\"";

    /** More pages than are read without an index. */
    private static final String LARGE = "repeat('x', 1000) FROM generate_series(1, 9000) i";

    @BeforeEach
    void createTables() throws SQLException {
        database.run(
                "CREATE TABLE plain (id int PRIMARY KEY, v text)",
                "CREATE TABLE child (id int PRIMARY KEY, plain_id int REFERENCES plain)",
                "CREATE TABLE counted (id bigserial PRIMARY KEY, v text)",
                "CREATE TABLE numbered (id int GENERATED ALWAYS AS IDENTITY (START -10 INCREMENT BY -3) PRIMARY KEY, v text)",
                "CREATE TABLE keyless (id int, v text)",
                "CREATE TABLE loose AS SELECT i AS id, 'l' || i AS v FROM generate_series(1, 100) i",
                "CREATE TABLE pairs (a int, b text, v text, PRIMARY KEY (a, b))",
                "INSERT INTO pairs VALUES (1, 'x', 'p'), (2, 'x', 'p'), (1, 'q', 'p')",
                "CREATE TABLE parts (id int PRIMARY KEY, v text) PARTITION BY RANGE (id)",
                "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (50)",
                "CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (50) TO (1000)",
                "INSERT INTO plain SELECT i, 'v' || i FROM generate_series(1, 100) i",
                "INSERT INTO child VALUES (1, 1)",
                "INSERT INTO counted (v) SELECT 'c' || i FROM generate_series(1, 10) i",
                "INSERT INTO keyless SELECT i, 'k' || i FROM generate_series(1, 20) i",
                "INSERT INTO parts SELECT i, 'p' || i FROM generate_series(1, 9) i");
    }

    private String all() throws SQLException {
        StringBuilder all = new StringBuilder();
        for (String table : List.of("plain", "child", "counted", "numbered", "keyless", "loose", "parts", "pairs")) {
            all.append(database.value("SELECT string_agg(x::text, ' ' ORDER BY x::text) FROM " + table + " x"))
                    .append('|');
        }
        return all.toString();
    }

    private String newestUndo() throws Exception {
        return archive.list().stream()
                .filter(SnapshotManifest::belongsToUndo)
                .map(SnapshotManifest::groupId)
                .findFirst()
                .orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "INSERT INTO plain VALUES (200, 'x')",
                "INSERT INTO plain (v, id) VALUES ('it''s, (', 200), (DEFAULT, 201) RETURNING id",
                "INSERT INTO plain AS p SELECT i, 'x' FROM generate_series(300, 400) i",
                "INSERT INTO plain VALUES (1, 'y'), (201, 'y') ON CONFLICT DO NOTHING",
                "INSERT INTO counted (v) VALUES ('a'), ('b')",
                "INSERT INTO counted DEFAULT VALUES",
                "INSERT INTO numbered (v) VALUES ('a'), ('b')",
                "INSERT INTO numbered OVERRIDING SYSTEM VALUE VALUES (7, 'a')",
                "INSERT INTO keyless VALUES (1, 'k1'), (1, 'k1')",
                "INSERT INTO parts VALUES (49, 'a'), (50, 'b')",
                "INSERT INTO parts_2 VALUES (51, 'a')",
                "INSERT INTO child SELECT i, i FROM generate_series(2, 5) i"
            })
    void rows_that_are_inserted_are_taken_away_and_come_back(String sql) throws Exception {
        undoAndRedo(sql);
        assertThat(archive.list().stream().filter(manifest -> !manifest.belongsToUndo()))
                .isNotEmpty()
                .allSatisfy(manifest -> {
                    assertThat(manifest.source()).isEqualTo(SnapshotManifest.Source.WRITE);
                    assertThat(manifest.coverage()).isEqualTo(Coverage.MADE);
                });
    }

    /** Of what a statement changes and what it makes, each comes back as it was. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "INSERT INTO plain (id, v) VALUES (1, 'y'), (2, 'y'), (201, 'y') ON CONFLICT (id) DO UPDATE SET v ="
                        + " excluded.v",
                "INSERT INTO plain (id, v) VALUES (1, 'y'), (2, 'v2'), (201, 'y') ON CONFLICT (id) DO UPDATE SET v ="
                        + " excluded.v WHERE plain.v <> excluded.v",
                "INSERT INTO plain AS p (v, id) SELECT 'y', i FROM generate_series(99, 102) i JOIN (VALUES (1)) one (k)"
                        + " ON true ON CONFLICT (id) DO UPDATE SET v = p.v || excluded.v RETURNING *",
                "INSERT INTO plain (id, v) VALUES (3, 'y') ON CONFLICT (id) DO UPDATE SET v = excluded.v",
                "INSERT INTO plain (id, v) VALUES (203, 'y') ON CONFLICT (id) DO UPDATE SET v = excluded.v",
                "INSERT INTO pairs (a, b, v) VALUES (1, 'x', 'y'), (1, 'z', 'y') ON CONFLICT (b, a) DO UPDATE SET v ="
                        + " excluded.v",
                "INSERT INTO parts (id, v) VALUES (9, 'y'), (49, 'y'), (51, 'y') ON CONFLICT (id) DO UPDATE SET v ="
                        + " excluded.v"
            })
    void rows_that_were_there_are_as_they_were_again(String sql) throws Exception {
        undoAndRedo(sql);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "MERGE INTO plain AS p USING (VALUES (1, 'y'), (201, 'y')) AS n (id, v) ON p.id = n.id WHEN MATCHED THEN"
                        + " UPDATE SET v = n.v WHEN NOT MATCHED THEN INSERT VALUES (n.id, n.v)",
                "MERGE INTO plain USING keyless k ON plain.id = k.id AND k.id > 15 WHEN MATCHED AND k.id > 18 THEN UPDATE"
                        + " SET v = k.v WHEN NOT MATCHED THEN INSERT VALUES (k.id + 300, k.v)",
                "MERGE INTO plain p USING keyless k ON p.id = k.id + 30 WHEN MATCHED THEN DELETE",
                "MERGE INTO loose l USING keyless k ON l.id = k.id + 90 WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN"
                        + " INSERT VALUES (k.id + 90, k.v)",
                "MERGE INTO parts USING (VALUES (1), (80)) n (id) ON parts.id = n.id WHEN MATCHED THEN UPDATE SET v = 'y'"
                        + " WHEN NOT MATCHED THEN INSERT VALUES (n.id, 'y')",
                "MERGE INTO plain p USING keyless k ON p.id = k.id + 500 WHEN NOT MATCHED THEN INSERT VALUES (k.id + 500,"
                        + " k.v)"
            })
    void what_a_merge_did_is_undone(String sql) throws Exception {
        assumeTrue(database.majorVersion() >= 15, "MERGE came with 15");
        undoAndRedo(sql);
    }

    /** Of such a MERGE it is not known which rows are gone, or which have only another place. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "MERGE INTO loose l USING keyless k ON l.id = k.id WHEN MATCHED AND k.id < 3 THEN DELETE",
                "MERGE INTO loose l USING keyless k ON l.id = k.id WHEN MATCHED AND k.id < 3 THEN DO NOTHING WHEN MATCHED"
                        + " THEN DELETE",
                "MERGE INTO parts USING (VALUES (1), (2)) n (id) ON parts.id = n.id WHEN MATCHED THEN UPDATE SET id ="
                        + " n.id + 50 WHEN NOT MATCHED THEN INSERT VALUES (n.id, 'y')",
                "MERGE INTO loose l USING keyless k ON l.id = k.id WHEN MATCHED AND k.id = 1 THEN DELETE WHEN MATCHED"
                        + " THEN UPDATE SET v = 'y'"
            })
    void a_merge_that_cannot_be_told_has_no_name(String sql) throws Exception {
        assumeTrue(database.majorVersion() >= 15, "MERGE came with 15");
        try (Backstop backstop = backstop(COVER)) {
            assertThat(change(backstop, sql)).isEmpty();
        }
        assertThat(archive.list()).isEmpty();
    }

    @Test
    void inserts_of_serializable_transactions_do_not_get_into_each_others_way() throws Exception {
        try (Backstop backstop = backstop(COVER);
                Connection one = backstop.guard(database.connect());
                Connection other = backstop.guard(database.connect());
                Statement first = one.createStatement();
                Statement second = other.createStatement()) {
            for (Connection connection : List.of(one, other)) {
                connection.setAutoCommit(false);
                connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            }
            first.execute("INSERT INTO plain VALUES (301, 'x')");
            second.execute("INSERT INTO plain VALUES (302, 'x')");
            one.commit();
            other.commit();
        }
        assertThat(database.value("SELECT count(*) FROM plain WHERE id > 300")).isEqualTo("2");
    }

    private void undoAndRedo(String sql) throws Exception {
        String before = all();
        try (Backstop backstop = backstop(COVER)) {
            String change = change(backstop, sql).orElseThrow();
            String after = all();
            assertThat(after).isNotEqualTo(before);
            assertThat(archive.contents().undecided()).isEmpty();
            assertThat(archive.list())
                    .isNotEmpty()
                    .allSatisfy(manifest -> assertThat(manifest.groupId()).isEqualTo(change));
            undoIt(change);
            assertThat(all()).isEqualTo(before);
            undoIt(newestUndo());
            assertThat(all()).isEqualTo(after);
        }
    }

    /** Somebody brings the same key between the look and the statement. */
    @Test
    void an_upsert_that_meets_another_row_than_was_seen_is_tried_again() throws Exception {
        ExecutorService threads = Executors.newSingleThreadExecutor();
        try (Backstop backstop = backstop(COVER);
                Connection other = database.connect();
                Statement others = other.createStatement()) {
            other.setAutoCommit(false);
            others.execute("INSERT INTO plain VALUES (300, 'theirs')");
            Future<Optional<String>> ours = threads.submit(() -> change(
                    backstop,
                    "INSERT INTO plain (id, v) VALUES (300, 'ours') ON CONFLICT (id) DO UPDATE SET v = excluded.v"));
            while (!ours.isDone()
                    && database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted")
                            .equals("0")) {
                Thread.onSpinWait();
            }
            other.commit();
            undoIt(ours.get().orElseThrow());
            assertThat(database.value("SELECT v FROM plain WHERE id = 300")).isEqualTo("theirs");
        } finally {
            threads.shutdownNow();
        }
    }

    /** Where the table is large, by an index; what none leads to has no name. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "INSERT INTO large (id, k, v) VALUES ('a', 1, 'x'), ('b', 2, 'x')",
                "INSERT INTO large (k, v) VALUES (10001, 'x')",
                "INSERT INTO large (k, v) SELECT i + 10000, 'x' FROM generate_series(1, 3) i",
                "INSERT INTO large SELECT 'n' || i, i, i + 20000, 'x' FROM generate_series(1, 3) i"
            })
    void rows_of_a_large_table_are_found_by_what_is_indexed(String sql) throws Exception {
        database.run(
                "CREATE TABLE large (id char(40) PRIMARY KEY DEFAULT md5(random()::text), n serial, k bigint, v text)",
                "CREATE UNIQUE INDEX ON large (k)",
                "CREATE INDEX ON large (n)",
                "INSERT INTO large (k, v) SELECT i + 100, " + LARGE);
        try (Backstop backstop = backstop(COVER)) {
            if (sql.startsWith("INSERT INTO large SELECT")) {
                assertThat(change(backstop, sql)).isEmpty();
                assertThat(archive.list()).isEmpty();
            } else {
                undoIt(change(backstop, sql).orElseThrow());
                assertThat(database.value("SELECT count(*) FROM large")).isEqualTo("9000");
            }
        }
    }

    /** An index that begins with what many rows share is of use only with what tells them apart. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "INSERT INTO large (tenant, n, v) VALUES (1, 20000, 'x'), (2, 20000, 'x')|true",
                "INSERT INTO large (tenant, v) VALUES (1, 'x'), (2, 'x')|true",
                "INSERT INTO large (tenant, n, v) SELECT 1, 20000, 'x'|false"
            })
    void rows_are_found_by_all_columns_of_a_key(String sql, boolean covered) throws Exception {
        database.run(
                "CREATE TABLE large (tenant int, n serial, v text, PRIMARY KEY (tenant, n))",
                "CREATE INDEX ON large (v)",
                "INSERT INTO large (tenant, v) SELECT 1, " + LARGE);
        try (Backstop backstop = backstop(COVER)) {
            Optional<String> change = change(backstop, sql);
            assertThat(change.isPresent()).isEqualTo(covered);
            change.ifPresent(this::undoIt);
        }
        assertThat(database.value("SELECT count(*) FROM large")).isEqualTo(covered ? "9000" : "9001");
    }

    /** Rows that were made and rows that were changed look alike where no key tells them apart. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "a int UNIQUE, v text|INSERT INTO made (a, v) VALUES (1, 'x'), (2, 'y') ON CONFLICT (a) DO UPDATE SET v = excluded.v|false",
                "a int PRIMARY KEY, v text|INSERT INTO made (a, v) VALUES (1, 'x'), (2, 'y') ON CONFLICT (a) DO UPDATE SET v ="
                        + " excluded.v|true",
                "a int, v text, PRIMARY KEY (a) INCLUDE (v)|INSERT INTO made (a, v) VALUES (1, 'x'), (2, 'y') ON CONFLICT (a)"
                        + " DO UPDATE SET v = excluded.v|true",
                "a int, v text|MERGE INTO made t USING (VALUES (1), (2)) s (i) ON t.a = s.i WHEN MATCHED THEN UPDATE SET v = 'x'"
                        + " WHEN NOT MATCHED THEN INSERT VALUES (s.i, 'y')|false",
                "a int, v text|INSERT INTO made VALUES (2, 'y')|true"
            })
    void what_makes_and_changes_rows_needs_a_key_for_a_name(String columns, String sql, boolean covered)
            throws Exception {
        database.run("CREATE TABLE made (" + columns + ")", "INSERT INTO made VALUES (1, 'a')");
        List<String> before = database.rows("SELECT t::text FROM made t ORDER BY 1");
        boolean merges = database.value("SELECT current_setting('server_version_num')::int >= 150000")
                .equals("t");
        if (!merges && sql.startsWith("MERGE")) {
            return;
        }
        try (Backstop backstop = backstop(COVER)) {
            Optional<String> change = change(backstop, sql);
            assertThat(change.isPresent()).isEqualTo(covered);
            change.ifPresent(this::undoIt);
        }
        if (covered) {
            assertThat(database.rows("SELECT t::text FROM made t ORDER BY 1")).isEqualTo(before);
        }
    }

    @Test
    void a_table_without_columns_has_no_rows_to_tell_apart() throws Exception {
        database.run("CREATE TABLE bare ()", "INSERT INTO bare DEFAULT VALUES");
        try (Backstop backstop = backstop(COVER)) {
            assertThat(change(backstop, "INSERT INTO bare DEFAULT VALUES")).isEmpty();
        }
    }

    @Test
    void what_a_function_has_answered_is_not_asked_twice() throws Exception {
        database.run(
                "CREATE SEQUENCE ticks",
                "CREATE FUNCTION tick() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT nextval(''ticks'')'",
                "CREATE TABLE large (id bigint PRIMARY KEY, v text)",
                "INSERT INTO large SELECT i + 100, " + LARGE);
        try (Backstop backstop = backstop(COVER)) {
            assertThat(change(backstop, "INSERT INTO large VALUES (tick(), 'x')"))
                    .isEmpty();
            assertThat(change(backstop, "INSERT INTO plain (id) VALUES (200 + tick())"))
                    .isPresent();
        }
        assertThat(database.value("SELECT last_value FROM ticks")).isEqualTo("2");
    }

    @Test
    void rows_that_would_take_others_along_are_named() throws Exception {
        database.run("CREATE TABLE part_of (id int REFERENCES plain ON DELETE CASCADE)");
        try (Backstop backstop = backstop(COVER)) {
            String change =
                    change(backstop, "INSERT INTO plain VALUES (200, 'x')").orElseThrow();
            database.run("INSERT INTO part_of VALUES (200)");
            assertThat(undo(change).exitCode()).isEqualTo(3);
        }
        assertThat(database.value("SELECT count(*) FROM part_of")).isEqualTo("1");
    }

    @Test
    void bound_values_lead_to_the_rows_too() throws Exception {
        database.run(
                "CREATE TABLE large (id uuid PRIMARY KEY, at timestamptz DEFAULT now(), v text)",
                "INSERT INTO large (id, v) SELECT gen_random_uuid(), " + LARGE);
        try (Backstop backstop = backstop(COVER);
                Connection connection = backstop.guard(database.connect());
                PreparedStatement insert = connection.prepareStatement("INSERT INTO large (id, v) VALUES (?, ?)")) {
            insert.setObject(1, UUID.fromString("00000000-0000-0000-0000-000000000001"));
            insert.setString(2, "it's \\ (");
            assertThat(insert.executeUpdate()).isEqualTo(1);
            undoIt(Backstop.lastChange(connection).orElseThrow());
        }
        assertThat(database.value("SELECT count(*) FROM large")).isEqualTo("9000");
    }

    @Test
    void each_statement_of_a_transaction_has_its_own_rows() throws Exception {
        try (Backstop backstop = backstop(COVER);
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("INSERT INTO counted (v) VALUES ('first')");
            String first = Backstop.lastChange(connection).orElseThrow();
            statement.execute("INSERT INTO counted (v) VALUES ('second'), ('third')");
            String second = Backstop.lastChange(connection).orElseThrow();
            assertThat(undo(first).exitCode()).isEqualTo(3); // nobody knows yet how it ends
            connection.commit();
            undoIt(second);
            assertThat(database.value("SELECT string_agg(v, ',') FROM counted WHERE id > 10"))
                    .isEqualTo("first");
            undoIt(first);
            assertThat(database.value("SELECT count(*) FROM counted")).isEqualTo("10");
        }
    }

    @Test
    void nothing_is_kept_of_rows_that_are_rolled_back() throws Exception {
        try (Backstop backstop = backstop(COVER);
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SAVEPOINT s");
            statement.execute("INSERT INTO plain VALUES (200, 'x')");
            statement.execute("ROLLBACK TO s");
            connection.commit();
            assertThat(Backstop.lastChange(connection)).isEmpty();
        }
        assertThat(archive.list()).isEmpty();
    }

    /** Others' rows lie between ours, and some of them are not committed yet. */
    @Test
    void others_rows_are_no_concern_of_an_undo() throws Exception {
        database.run("CREATE TABLE large (n serial PRIMARY KEY, v text)", "INSERT INTO large (v) SELECT " + LARGE);
        try (Backstop backstop = backstop(COVER);
                Connection other = database.connect();
                Statement others = other.createStatement();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            other.setAutoCommit(false);
            others.execute("SET statement_timeout = '10s'");
            connection.setAutoCommit(false);
            statement.execute("INSERT INTO large (v) VALUES ('ours')");
            others.execute("INSERT INTO large (v) VALUES ('theirs')");
            statement.execute("INSERT INTO large (v) SELECT 'ours' FROM generate_series(1, 3)");
            String change = Backstop.lastChange(connection).orElseThrow();
            connection.commit();
            other.commit();
            undoIt(change);
        }
        assertThat(database.value("SELECT string_agg(v, ',' ORDER BY n) FROM large WHERE n > 9000"))
                .isEqualTo("ours,theirs");
    }

    @Test
    void a_row_that_somebody_changed_or_refers_to_since_is_named() throws Exception {
        try (Backstop backstop = backstop(COVER)) {
            String change = change(backstop, "INSERT INTO plain SELECT i, 'x' FROM generate_series(200, 202) i")
                    .orElseThrow();
            database.run("UPDATE plain SET v = 'theirs' WHERE id = 200", "INSERT INTO child VALUES (7, 201)");
            CommandRun run = undo(change);
            assertThat(run.exitCode()).isEqualTo(3);
            assertThat(run.output() + run.errors()).contains("public.plain").doesNotContain("theirs");
            assertThat(database.value("SELECT count(*) FROM plain WHERE id >= 200"))
                    .isEqualTo("3");
        }
    }

    /** Whatever cannot be told row by row runs as without; it is not named as covered. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "WITH made AS (INSERT INTO plain VALUES (200, 'x') RETURNING id) SELECT count(*) FROM made",
                "INSERT INTO plain SELECT 200, 'x' WHERE false",
                "INSERT INTO shown VALUES (200, 'x')",
                "INSERT INTO ruled VALUES (200, 'x')",
                "INSERT INTO swapped VALUES (200, 'x')",
                "INSERT INTO plain VALUES (1, 'y') ON CONFLICT (id) DO UPDATE SET v = excluded.v",
                "INSERT INTO plain (id, v) VALUES (1, 'y') ON CONFLICT ON CONSTRAINT plain_pkey DO UPDATE SET v = 'z'",
                "INSERT INTO plain (id, v) VALUES (floor(random() + 1), 'y') ON CONFLICT (id) DO UPDATE SET v = 'z'"
            })
    void what_cannot_be_told_runs_without_a_name(String sql) throws Exception {
        database.run(
                "CREATE VIEW shown AS SELECT * FROM plain",
                "CREATE TABLE ruled (id int, v text)",
                "CREATE RULE ruled AS ON INSERT TO ruled DO ALSO INSERT INTO keyless VALUES (new.id, new.v)",
                "CREATE TABLE swapped (id int, v text)",
                "CREATE FUNCTION swap() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
                        + " UPDATE swapped SET v = 'swapped' WHERE id = new.id; RETURN NULL; END$$",
                "CREATE TRIGGER swap AFTER INSERT ON swapped FOR EACH ROW EXECUTE FUNCTION swap()");
        try (Backstop backstop = backstop(COVER)) {
            assertThat(change(backstop, sql)).isEmpty();
        }
        assertThat(archive.list()).isEmpty();
    }

    @Test
    void a_role_that_may_insert_alone_inserts_as_without() throws Exception {
        database.run(
                "CREATE ROLE inserting LOGIN",
                "GRANT USAGE ON SCHEMA public TO inserting",
                "CREATE TABLE written (id int PRIMARY KEY, v text)",
                "GRANT INSERT ON written TO inserting",
                "CREATE TABLE rowwise (id int PRIMARY KEY, v text)",
                "ALTER TABLE rowwise ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY all_in ON rowwise FOR INSERT WITH CHECK (true)",
                "GRANT ALL ON rowwise TO inserting");
        try (Backstop backstop = backstop(COVER);
                Connection connection = backstop.guard(
                        DriverManager.getConnection(database.url().replaceFirst("user=[^&]*", "user=inserting")));
                Statement statement = connection.createStatement()) {
            for (String table : List.of("written", "rowwise")) {
                assertThat(outcome(statement, "INSERT INTO " + table + " VALUES (1, 'x')"))
                        .isEqualTo("ok 1");
                assertThat(Backstop.lastChange(connection)).isEmpty();
                connection.setAutoCommit(false);
                assertThat(outcome(statement, "INSERT INTO " + table + " VALUES (2, 'x')"))
                        .isEqualTo("ok 1");
                connection.commit();
                connection.setAutoCommit(true);
            }
            assertThat(database.value("SELECT count(*) FROM written")).isEqualTo("2");
            assertThat(database.value("SELECT count(*) FROM rowwise")).isEqualTo("2");
        } finally {
            database.run("DROP OWNED BY inserting", "DROP ROLE inserting");
        }
        assertThat(archive.list()).isEmpty();
    }

    @Test
    void without_the_storage_no_row_is_inserted() throws Exception {
        Path policy = folder.resolve("covering.json");
        Files.writeString(policy, "{\"require_approval_for_risks\": [], " + COVER + "}");
        try (Backstop backstop = Backstop.builder()
                .policy(policy.toString())
                .storage("s3://nowhere@http://127.0.0.1:1")
                .control(control())
                .build()) {
            assertThat(outcome(backstop, "INSERT INTO plain VALUES (200, 'x')")).startsWith("ZB007");
            assertThat(outcome(backstop, "INSERT INTO plain VALUES (1, 'x')")).startsWith("23505");
        }
        assertThat(database.value("SELECT count(*) FROM plain")).isEqualTo("100");
    }
}
