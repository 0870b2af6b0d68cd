package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.internal.restore.StagingName;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RestoreProgress.Step;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.recovery.model.RowVerification;
import io.backstop.recovery.model.Validation;
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
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Restores over two connections: a staging table is filled and indexed, and published by the last step. */
@ExtendWith(PostgresExtension.class)
class StagedRestoreTest {
    /** Every n-th step among two tables is tried; with 1, each. */
    private static final int EVERY = Integer.getInteger("backstop.test.every", 4);

    private static final RelationName COPY = RelationName.of("public", "copy");
    private static final String STAGING =
            "SELECT relname FROM pg_class WHERE relname ~ '^backstop_restore_' ORDER BY 1";

    private final TestDatabase database;
    private final String storage;
    private final ObjectStore store;
    private final Captures captures;

    StagedRestoreTest(TestDatabase database, @TempDir Path folder) {
        this.database = database;
        this.storage = folder.toUri().toString();
        this.store = ObjectStores.open(storage);
        this.captures = new Captures(database, store);
    }

    /** Since PostgreSQL 15. */
    private String nullsAlike() throws SQLException {
        return Integer.parseInt(database.value("SHOW server_version_num")) >= 150_000
                ? "UNIQUE NULLS NOT DISTINCT"
                : "UNIQUE";
    }

    @BeforeEach
    void createWithEverything() throws SQLException {
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE other (id int PRIMARY KEY)",
                "INSERT INTO other VALUES (1)",
                """
                CREATE TABLE t (
                    id bigint GENERATED ALWAYS AS IDENTITY (START 7) PRIMARY KEY,
                    number serial,
                    v varchar(80) COLLATE "C" NOT NULL UNIQUE,
                    w int, late int,
                    x text DEFAULT 'n' || nextval('t_number_seq'),
                    loud text GENERATED ALWAYS AS (upper(v)) STORED,
                    o int REFERENCES other, self bigint REFERENCES t,
                    span int4range,
                    CONSTRAINT c CHECK (v <> ''), CONSTRAINT later CHECK (w > 100) NOT VALID,
                    CONSTRAINT apart EXCLUDE USING gist (span WITH &&),
                    CONSTRAINT alike UNIQUE NULLS NOT DISTINCT (w) INCLUDE (v),
                    CONSTRAINT deferred UNIQUE (late) DEFERRABLE INITIALLY DEFERRED
                ) WITH (fillfactor = 70)
                """.replace("UNIQUE NULLS NOT DISTINCT", nullsAlike()),
                "CREATE INDEX ON t (lower(v)) WHERE w > 0",
                "CREATE UNIQUE INDEX t_number ON t (number DESC) INCLUDE (v)",
                "CREATE INDEX ON t USING gist (span)",
                "COMMENT ON COLUMN t.v IS 'where to'",
                "COMMENT ON CONSTRAINT t_pkey ON t IS 'the key'",
                "COMMENT ON INDEX t_number IS 'an index'",
                "ALTER TABLE t DROP CONSTRAINT later",
                "INSERT INTO t (v, w, late, o, self, span) SELECT 'v' || i, i, -i, 1, 7, int4range(i, i + 1) "
                        + "FROM generate_series(1, 40) i",
                "ALTER TABLE t ADD CONSTRAINT later CHECK (w > 100) NOT VALID");
    }

    @AfterEach
    void nothingIsLeft() throws SQLException {
        store.close();
        assertThat(database.rows("SELECT objid FROM pg_locks WHERE locktype = 'advisory'"))
                .isEmpty();
    }

    private Connections second() {
        return () -> Optional.of(database.connect());
    }

    private Restore restore(Connections connections) {
        return new Restore(captures.archive(), connections, RowVerification.EVERY_ROW, 0);
    }

    private RestoredTable restored(Connections connections, SnapshotManifest manifest, RestoreProgress progress)
            throws Exception {
        try (Connection connection = database.connect()) {
            RestoredTable table = restore(connections).restore(connection, manifest, COPY, progress);
            assertThat(connection.getAutoCommit()).isTrue();
            return table;
        }
    }

    @Test
    void a_table_is_the_same_over_two_connections_as_over_one() throws Exception {
        SnapshotManifest manifest = captures.take("t");
        RestoredTable alone = restored(Connections.NONE, manifest, RestoreProgress.SILENT);
        List<String> expected = everythingOf("copy");
        database.run("DROP TABLE copy");
        List<Step> steps = new ArrayList<>();

        RestoredTable table = restored(second(), manifest, (step, target, rows, total) -> {
            assertThat(target).isEqualTo(COPY);
            if (!steps.contains(step)) {
                steps.add(step);
            }
        });

        assertThat(steps).containsExactly(Step.values());
        assertThat(table).isEqualTo(alone);
        assertThat(table.validation().holds()).isTrue();
        assertThat(everythingOf("copy")).isEqualTo(expected);
        assertThat(database.rows(STAGING)).isEmpty();
        database.run("INSERT INTO copy (v, w) VALUES ('next', 200)");
        assertThat(database.value("SELECT id || ' ' || number || ' ' || x FROM copy WHERE v = 'next'"))
                .isEqualTo("47 81 n82");
    }

    /** The table and its parts, with nothing that two restores could rightly have differently. */
    private List<String> everythingOf(String table) throws SQLException {
        String oid = "'" + table + "'::regclass";
        List<String> all = new ArrayList<>(database.rows("SELECT t::text FROM " + table + " t ORDER BY 1"));
        all.addAll(database.rows("SELECT conname, contype, convalidated, condeferrable, condeferred, "
                + "pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conrelid = "
                + oid + " ORDER BY 1"));
        all.addAll(database.rows(
                "SELECT pg_get_indexdef(indexrelid), indisprimary, indisunique, indimmediate, indisvalid, "
                        + "obj_description(indexrelid, 'pg_class') FROM pg_index WHERE indrelid = " + oid
                        + " ORDER BY 1"));
        all.addAll(database.rows("SELECT attname, attnotnull, attidentity, attgenerated, pg_get_expr(adbin, adrelid), "
                + "pg_get_serial_sequence('" + table + "', attname) FROM pg_attribute LEFT JOIN pg_attrdef "
                + "ON adrelid = attrelid AND adnum = attnum WHERE attrelid = " + oid
                + " AND attnum > 0 ORDER BY attnum"));
        all.addAll(database.rows("SELECT relacl, reloptions, relpersistence, obj_description(oid, 'pg_class') "
                + "FROM pg_class WHERE oid = " + oid));
        all.addAll(database.rows("SELECT sequencename, last_value FROM pg_sequences WHERE sequencename LIKE '" + table
                + "%' ORDER BY 1"));
        return all;
    }

    @Test
    void both_connections_load_and_nobody_else_sees_a_row_before_the_table_is_complete() throws Exception {
        database.run("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC");
        try {
            SnapshotManifest manifest = captures.take("t");
            CountDownLatch bothAreAtIt = new CountDownLatch(2);
            Set<String> threads = new HashSet<>();

            restored(second(), manifest, (step, target, rows, total) -> {
                if (step == Step.LOADING && threads.add(Thread.currentThread().getName())) {
                    assertThat(queried("SELECT count(*) FROM pg_class WHERE relname = 'copy'"))
                            .isEqualTo("0");
                    assertThat(queried("SELECT string_agg(DISTINCT a.grantee::regrole::text, ',') FROM pg_class, "
                                    + "aclexplode(coalesce(relacl, acldefault('r', relowner))) a "
                                    + "WHERE relname ~ '^backstop_restore_' AND relkind = 'r'"))
                            .isEqualTo("postgres");
                    bothAreAtIt.countDown();
                }
            });

            assertThat(bothAreAtIt.getCount()).isLessThan(2);
            assertThat(database.value("SELECT count(*) FROM copy")).isEqualTo("40");
        } finally {
            database.run("ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC");
        }
    }

    private String queried(String query) {
        try {
            return database.value(query);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void goes_on_with_one_connection_where_the_server_refuses_the_second() throws Exception {
        SnapshotManifest manifest = captures.take("t");
        AtomicInteger asked = new AtomicInteger();

        RestoredTable table = restored(
                () -> {
                    asked.incrementAndGet();
                    throw new SQLException("sorry, too many clients already", "53300");
                },
                manifest,
                (step, target, rows, total) -> assertThat(step).isNotEqualTo(Step.INDEXED));

        assertThat(asked).hasValue(1);
        assertThat(table.validation().holds()).isTrue();
    }

    @Test
    void goes_on_with_one_connection_where_the_second_is_somewhere_else_or_somebody_else() throws Exception {
        SnapshotManifest manifest = captures.take("t");
        List<Connection> opened = new ArrayList<>();
        Connections elsewhere = () -> {
            Connection connection =
                    java.sql.DriverManager.getConnection(database.url().replaceFirst("/[^/?]+\\?", "/postgres?"));
            opened.add(connection);
            return Optional.of(connection);
        };
        Connections another = () -> {
            Connection connection = database.connect();
            opened.add(connection);
            try (Statement statement = connection.createStatement()) {
                statement.execute("SET ROLE pg_monitor");
            }
            return Optional.of(connection);
        };
        for (Connections connections : List.of(elsewhere, another)) {
            restored(
                    connections,
                    manifest,
                    (step, target, rows, total) -> assertThat(step).isNotEqualTo(Step.INDEXED));
            database.run("DROP TABLE copy");
        }
        for (Connection connection : opened) {
            assertThat(connection.isClosed()).isTrue();
        }
        assertThat(opened).hasSize(2);
    }

    @Test
    void stopped_at_any_step_of_either_connection_it_leaves_nothing_or_all() throws Exception {
        SnapshotManifest manifest = captures.take("t");
        List<String> before = catalog();
        for (boolean first : List.of(true, false)) {
            int steps = 0;
            boolean stopped = true;
            while (stopped) {
                int step = ++steps;
                List<FailingConnection> failing = new ArrayList<>();
                try (Connection connection = database.connect();
                        Connection other = database.connect()) {
                    failing.add(new FailingConnection(first ? connection : other, step));
                    Connection broken = failing.get(0).open();
                    restore(() -> Optional.of(first ? other : broken))
                            .restore(first ? broken : connection, manifest, COPY, RestoreProgress.SILENT);
                    assertThat(database.value("SELECT count(*) FROM copy")).isEqualTo("40");
                    database.run("DROP TABLE copy");
                } catch (RecoveryException e) {
                    assertThat(e).hasMessageContaining("HINT: ");
                }
                assertThat(catalog()).as((first ? "first " : "second ") + step).isEqualTo(before);
                stopped = failing.get(0).failed();
            }
            assertThat(steps).isGreaterThan(first ? 60 : 15);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Step.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"VERIFIED", "COMMITTED"})
    void a_second_session_that_the_server_ends_leaves_nothing_or_all(Step last) throws Exception {
        SnapshotManifest manifest = captures.take("t");
        List<String> before = catalog();
        try (Connection other = database.connect();
                Statement statement = other.createStatement()) {
            String process = value(statement.executeQuery("SELECT pg_backend_pid()"));
            try {
                restored(() -> Optional.of(other), manifest, (step, target, rows, total) -> {
                    if (step == last) {
                        queried("SELECT pg_terminate_backend(" + process + ", 60000)");
                    }
                });
                assertThat(database.value("SELECT count(*) FROM copy")).isEqualTo("40");
                database.run("DROP TABLE copy");
            } catch (RecoveryException e) {
                assertThat(e).hasMessageContaining("HINT: ");
            }
        }
        assertThat(catalog()).isEqualTo(before);
    }

    private static String value(ResultSet result) throws SQLException {
        try (result) {
            result.next();
            return result.getString(1);
        }
    }

    @Test
    void a_damaged_chunk_is_found_before_anything_is_made() throws Exception {
        SnapshotManifest manifest = captures.take("t");
        String chunk = manifest.chunks().get(9).name();
        try (Connection connection = database.connect()) {
            FailingConnection untouchable = new FailingConnection(connection, 1);
            Restore restore = new Restore(
                    new SnapshotArchive(new DamagedStore(store, chunk, 1, content -> {
                        content[content.length - 1] ^= 1;
                        return content;
                    })),
                    () -> {
                        throw new AssertionError("no second connection is wanted");
                    },
                    RowVerification.COUNTS,
                    0);
            assertThatThrownBy(() -> restore.restore(untouchable.open(), manifest, COPY, RestoreProgress.SILENT))
                    .isInstanceOf(RecoveryException.class)
                    .hasMessage("snapshot " + manifest.snapshotId() + " is damaged: the object " + chunk + " of "
                            + manifest.snapshotId() + " does not match its SHA-256\n"
                            + "HINT: restore another snapshot of public.t, or bring the object back from the storage's "
                            + "own versions; nothing was kept");
            assertThat(untouchable.failed()).isFalse();
        }
    }

    @Test
    void leaves_nothing_where_a_chunk_changes_after_it_was_verified_or_holds_other_rows() throws Exception {
        SnapshotManifest manifest = captures.take("t");
        SnapshotManifest wrongSum =
                captures.takeWith("t", facts -> new Captures.RowFacts("0".repeat(32), facts.chunks()));
        SnapshotManifest wrongCount = captures.takeWith("t", facts -> {
            List<SnapshotManifest.Chunk> chunks = new ArrayList<>(facts.chunks());
            SnapshotManifest.Chunk last = chunks.get(chunks.size() - 1);
            chunks.set(
                    chunks.size() - 1,
                    new SnapshotManifest.Chunk(last.name(), last.rows() + 1, last.bytes(), last.sha256()));
            return new Captures.RowFacts(facts.checksum(), chunks);
        });
        List<String> before = catalog();
        DamagedStore damaged = new DamagedStore(store, manifest.chunks().get(5).name(), 2, content -> new byte[0]);

        try (Connection connection = database.connect()) {
            Restore fromDamaged = new Restore(new SnapshotArchive(damaged), second(), RowVerification.COUNTS, 0);
            assertThatThrownBy(() -> fromDamaged.restore(connection, manifest, COPY, RestoreProgress.SILENT))
                    .isInstanceOf(RecoveryException.class)
                    .hasMessageContaining("is damaged");
        }
        assertThat(damaged.wasRead()).isTrue();
        assertThatThrownBy(() -> restored(second(), wrongSum, RestoreProgress.SILENT))
                .isInstanceOf(RecoveryException.class)
                .hasMessageContaining("DIFFERS  row checksum: expected 00000000000000000000000000000000, found ");
        assertThatThrownBy(() -> restored(second(), wrongCount, RestoreProgress.SILENT))
                .isInstanceOf(RecoveryException.class)
                .hasMessageContaining("gave 1 rows instead of 2");
        assertThat(catalog()).isEqualTo(before);
    }

    @Test
    void counted_rows_are_not_said_to_have_been_read() throws Exception {
        SnapshotManifest manifest =
                captures.takeWith("t", facts -> new Captures.RowFacts("0".repeat(32), facts.chunks()));
        for (Connections connections : List.of(second(), Connections.NONE)) {
            Validation validation;
            try (Connection connection = database.connect()) {
                validation = new Restore(captures.archive(), connections, RowVerification.COUNTS, 0)
                        .restore(connection, manifest, COPY, RestoreProgress.SILENT)
                        .validation();
            }

            assertThat(validation.holds()).isTrue();
            assertThat(validation.thoroughness()).isEqualTo(RowVerification.COUNTS);
            assertThat(validation.checks())
                    .extracting(Validation.Check::subject)
                    .contains("rows")
                    .doesNotContain("row checksum");
            assertThat(validation.toString())
                    .startsWith("ok       rows: 40\n")
                    .endsWith("\nunread   row checksum: rows were counted as they were loaded, not read back");
            database.run("DROP TABLE copy");
        }
    }

    @Test
    void a_group_is_staged_and_published_together_or_not_at_all() throws Exception {
        database.run("CREATE TABLE u (id int PRIMARY KEY, t bigint REFERENCES t)", "INSERT INTO u VALUES (1, 7)");
        List<SnapshotManifest> group = captures.takeTogether("t", "u");
        Map<SnapshotManifest, RelationName> targets = new LinkedHashMap<>();
        group.forEach(manifest -> targets.put(manifest, Restore.defaultTarget(manifest)));
        List<String> before = catalog();
        try (Connection connection = database.connect()) {
            RestoreProgress taken = (step, target, rows, total) -> {
                if (step == Step.INDEXED && target.name().equals("u_recovered")) {
                    run("CREATE TABLE u_recovered (id int)");
                }
            };
            assertThatThrownBy(() -> restore(second()).restoreTogether(connection, targets, taken))
                    .isInstanceOf(RecoveryException.class)
                    .hasMessageStartingWith("table public.u_recovered exists already");
            database.run("DROP TABLE u_recovered");
            assertThat(catalog()).isEqualTo(before);

            List<RestoredTable> tables = restore(second()).restoreTogether(connection, targets, RestoreProgress.SILENT);

            assertThat(tables).extracting(table -> table.target().name()).containsExactly("t_recovered", "u_recovered");
        }
        assertThat(database.rows(STAGING)).isEmpty();
    }

    /** Two tables, neither of which is large, but together. */
    private Map<SnapshotManifest, RelationName> smallOnes() throws Exception {
        database.run(
                "CREATE TABLE u (id int PRIMARY KEY, t bigint REFERENCES t, w text)",
                "INSERT INTO u SELECT i, 7, 'w' || i FROM generate_series(1, 40) i",
                "CREATE INDEX ON u (w)");
        Map<SnapshotManifest, RelationName> targets = new LinkedHashMap<>();
        for (SnapshotManifest manifest : captures.takeTogether("t", "u")) {
            targets.put(manifest, RelationName.of("public", manifest.table() + "_copy"));
        }
        return targets;
    }

    private List<RestoredTable> together(
            Connection connection,
            Connections connections,
            Map<SnapshotManifest, RelationName> targets,
            RestoreProgress progress)
            throws RecoveryException {
        long all = targets.keySet().stream()
                .mapToLong(SnapshotManifest::storedBytes)
                .sum();
        return new Restore(captures.archive(), connections, RowVerification.EVERY_ROW, all)
                .restoreTogether(connection, targets, progress);
    }

    @Test
    void small_tables_of_a_group_are_the_same_over_two_connections_as_over_one() throws Exception {
        Map<SnapshotManifest, RelationName> targets = smallOnes();
        try (Connection connection = database.connect()) {
            List<RestoredTable> alone = together(
                    connection,
                    Connections.NONE,
                    targets,
                    (step, target, rows, total) -> assertThat(step).isNotEqualTo(Step.INDEXED));
            List<String> expected = everythingOf("t_copy");
            expected.addAll(everythingOf("u_copy"));
            database.run("DROP TABLE t_copy, u_copy");
            Map<RelationName, List<Step>> steps = new LinkedHashMap<>();

            List<RestoredTable> tables = together(connection, second(), targets, (step, target, rows, total) -> {
                List<Step> known = steps.computeIfAbsent(target, first -> new ArrayList<>());
                if (!known.contains(step)) {
                    known.add(step);
                }
            });

            assertThat(steps.keySet()).containsExactlyInAnyOrderElementsOf(targets.values());
            assertThat(steps.values()).allSatisfy(known -> assertThat(known).containsExactly(Step.values()));
            assertThat(tables).isEqualTo(alone);
            List<String> found = everythingOf("t_copy");
            found.addAll(everythingOf("u_copy"));
            assertThat(found).isEqualTo(expected);
        }
        assertThat(database.rows(STAGING)).isEmpty();
    }

    /** Whoever has loaded first waits until the other has, too, and cannot tell of it yet. */
    @Test
    void small_tables_are_loaded_by_both_connections() throws Exception {
        Map<SnapshotManifest, RelationName> targets = smallOnes();
        Map<Thread, RelationName> loadedBy = new ConcurrentHashMap<>();
        Thread first = Thread.currentThread();
        try (Connection connection = database.connect()) {
            together(connection, second(), targets, (step, target, rows, total) -> {
                if (step == Step.LOADING) {
                    if (loadedBy.isEmpty()) {
                        awaitAnother(first);
                    }
                    loadedBy.put(Thread.currentThread(), target);
                }
            });
        }
        assertThat(loadedBy).hasSize(2);
        assertThat(new HashSet<>(loadedBy.values())).hasSize(2);
    }

    private static void awaitAnother(Thread first) {
        while (Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.equals(first) || thread.getName().equals("backstop-second-restorer"))
                .filter(thread -> !thread.equals(Thread.currentThread()))
                .noneMatch(thread -> thread.getState() == Thread.State.BLOCKED)) {
            Thread.onSpinWait();
        }
    }

    @Test
    void stopped_at_any_step_among_small_tables_it_leaves_nothing_or_all() throws Exception {
        Map<SnapshotManifest, RelationName> targets = smallOnes();
        List<String> before = catalog();
        for (boolean first : List.of(true, false)) {
            int steps = 0;
            boolean stopped = true;
            while (stopped) {
                steps += EVERY;
                int step = steps;
                FailingConnection failing;
                try (Connection connection = database.connect();
                        Connection other = database.connect()) {
                    failing = new FailingConnection(first ? connection : other, step);
                    Connection broken = failing.open();
                    together(
                            first ? broken : connection,
                            () -> Optional.of(first ? other : broken),
                            targets,
                            RestoreProgress.SILENT);
                    assertThat(database.value("SELECT count(*) FROM t_copy JOIN u_copy ON t_copy.id = u_copy.id + 6"))
                            .isEqualTo("40");
                    database.run("DROP TABLE t_copy, u_copy");
                    stopped = failing.failed();
                } catch (RecoveryException e) {
                    assertThat(e).hasMessageContaining("HINT: ");
                }
                assertThat(catalog()).as((first ? "first " : "second ") + step).isEqualTo(before);
            }
            assertThat(steps).isGreaterThan(first ? 60 : 15);
        }
    }

    @Test
    void a_chunk_of_one_small_table_that_changes_names_that_table_and_leaves_none() throws Exception {
        Map<SnapshotManifest, RelationName> targets = smallOnes();
        SnapshotManifest last = List.copyOf(targets.keySet()).get(1);
        List<String> before = catalog();
        String chunk = last.chunks().get(0).name();
        long all = targets.keySet().stream()
                .mapToLong(SnapshotManifest::storedBytes)
                .sum();
        // Both tables have an object of this name: each is read by the verification first.
        DamagedStore damaged = new DamagedStore(
                store, last.table() + "/" + last.snapshotId() + "/" + chunk, 2, content -> new byte[0]);
        try (Connection connection = database.connect()) {
            assertThatThrownBy(() -> new Restore(new SnapshotArchive(damaged), second(), RowVerification.COUNTS, all)
                            .restoreTogether(connection, targets, RestoreProgress.SILENT))
                    .isInstanceOfSatisfying(
                            RecoveryException.class,
                            e -> assertThat(e.snapshotId()).contains(last.snapshotId()))
                    .hasMessageContaining("is damaged");
        }
        assertThat(damaged.wasRead()).isTrue();
        assertThat(catalog()).isEqualTo(before);
    }

    private void run(String sql) {
        try {
            database.run(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void what_the_table_needs_and_is_missing_is_made_in_the_one_transaction() throws Exception {
        database.run("CREATE TYPE mood AS ENUM ('ok')", "CREATE TABLE m (m mood)", "INSERT INTO m VALUES ('ok')");
        SnapshotManifest manifest = captures.take("m");
        database.run("DROP TABLE m", "DROP TYPE mood");

        RestoredTable table = restored(second(), manifest, (step, target, rows, total) -> {
            assertThat(step).isNotEqualTo(Step.INDEXED);
            if (step == Step.CONSTRAINED) {
                assertThat(queried("SELECT count(*) FROM pg_type WHERE typname = 'mood'"))
                        .isEqualTo("0");
            }
        });

        assertThat(table.created()).containsExactly("type public.mood");
    }

    @Test
    void a_leftover_is_removed_when_nobody_works_on_it_and_not_before() throws Exception {
        SnapshotManifest manifest = captures.take("t");
        String unfinished = "backstop_restore_00000000000000ff_0";
        database.run(
                "CREATE TABLE " + unfinished + " (id serial PRIMARY KEY)",
                "COMMENT ON TABLE " + unfinished + " IS '"
                        + StagingName.comment(manifest, COPY).replace("'", "''") + "'",
                "CREATE TABLE backstop_restore_00000000000000fe_0 (id int)",
                "CREATE TABLE backstop_restore_mine (id int)",
                "COMMENT ON TABLE backstop_restore_mine IS '" + StagingName.comment(manifest, COPY) + "'");
        try (Connection working = database.connect();
                Statement statement = working.createStatement()) {
            statement.execute("SELECT pg_advisory_lock_shared(255)");
            restored(Connections.NONE, manifest, RestoreProgress.SILENT);
            assertThat(database.rows("SELECT tablename FROM pg_tables WHERE tablename = '" + unfinished + "'"))
                    .hasSize(1);
            statement.execute("SELECT pg_advisory_unlock_shared(255)");
        }
        database.run("DROP TABLE copy");

        restored(Connections.NONE, manifest, RestoreProgress.SILENT);

        assertThat(database.rows("SELECT tablename FROM pg_tables WHERE tablename LIKE 'backstop%' ORDER BY 1"))
                .containsExactly("backstop_restore_00000000000000fe_0", "backstop_restore_mine");
    }

    @Test
    void a_leftover_that_something_hangs_on_does_not_stop_a_restore() throws Exception {
        SnapshotManifest manifest = captures.take("t");
        database.run(
                "CREATE TABLE backstop_restore_00000000000000ff_0 (id int)",
                "COMMENT ON TABLE backstop_restore_00000000000000ff_0 IS '" + StagingName.comment(manifest, COPY) + "'",
                "CREATE VIEW looks AS SELECT * FROM backstop_restore_00000000000000ff_0");

        restored(second(), manifest, RestoreProgress.SILENT);

        assertThat(database.rows(STAGING)).containsExactly("backstop_restore_00000000000000ff_0");
    }

    @ParameterizedTest
    @EnumSource(Step.class)
    void a_process_killed_after_any_step_leaves_the_table_absent_or_complete_and_the_next_restore_cleans_up(Step step)
            throws Exception {
        SnapshotManifest manifest = captures.take("t");
        List<String> before = catalog();

        int exit = fork(database.url(), storage, manifest.snapshotId(), step.name());

        assertThat(exit).as("it got to the step and died there").isEqualTo(RestoreKillSite.KILLED);
        awaitItsSessionsEnd();
        boolean complete = step == Step.COMMITTED;
        assertThat(database.rows("SELECT relname FROM pg_class WHERE relname = 'copy'"))
                .hasSize(complete ? 1 : 0);
        if (complete) {
            try (Connection connection = database.connect()) {
                assertThat(restore(Connections.NONE)
                                .validate(connection, manifest, COPY)
                                .validation()
                                .failures())
                        .isEmpty();
            }
            database.run("DROP TABLE copy");
        } else if (step != Step.VERIFIED) {
            assertThat(database.rows(STAGING)).isNotEmpty();
        }
        restored(second(), manifest, RestoreProgress.SILENT);
        assertThat(database.rows(STAGING)).isEmpty();
        assertThat(database.value("SELECT count(*) FROM copy")).isEqualTo("40");
        database.run("DROP TABLE copy");
        assertThat(catalog()).isEqualTo(before);
    }

    /** The server rolls back when it notices that the client is gone. */
    private void awaitItsSessionsEnd() throws SQLException {
        String others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                + " AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
        while (!database.value(others).equals("0")) {
            Thread.onSpinWait();
        }
    }

    private static int fork(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                RestoreKillSite.class.getName()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command).inheritIO().start().waitFor();
    }

    /** All that a restore could leave behind. */
    private List<String> catalog() throws SQLException {
        List<String> all = new ArrayList<>(
                database.rows("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"));
        all.addAll(database.rows("SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace ORDER BY 1"));
        all.addAll(database.rows(
                "SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1"));
        return all;
    }
}
