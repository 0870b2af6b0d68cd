package io.backstop.recovery;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.recovery.internal.restore.InfiniteIntervalCheck;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.recovery.model.RowVerification;
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
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Rows that were stored in binary, restored where they mean the same, and where they do not. */
@ExtendWith(PostgresExtension.class)
class BinaryRowsTest {
    private static final RelationName COPY = RelationName.of("public", "copy");

    private final TestDatabase database;
    private final ObjectStore store;
    private final PostgresSnapshotService snapshots;

    BinaryRowsTest(TestDatabase database, @TempDir Path folder) {
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
    void startEmpty() throws SQLException {
        database.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public");
    }

    @AfterEach
    void closeStore() {
        store.close();
    }

    private SnapshotManifest taken(String table) throws Exception {
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            SnapshotManifest manifest = secured(connection, table);
            connection.rollback();
            assertThat(manifest.copyFormat()).isEqualTo("binary");
            return manifest;
        }
    }

    private SnapshotManifest secured(Connection connection, String table) throws Exception {
        return snapshots
                .secure(
                        connection,
                        Connections.NONE,
                        new SnapshotRequest(
                                List.of(new Destruction(
                                        Kind.DROP_TABLE, List.of(RelationName.of("public", table)), false, false)),
                                List.of(),
                                Long.MAX_VALUE,
                                Optional.empty(),
                                "localhost:5432/test",
                                "agent",
                                "0".repeat(64),
                                Optional.empty(),
                                false),
                        Progress.SILENT)
                .manifests()
                .get(0);
    }

    private RestoredTable restored(TestDatabase into, SnapshotManifest manifest) throws Exception {
        try (Connection connection = into.connect()) {
            return new Restore(
                            new SnapshotArchive(store), () -> Optional.of(into.connect()), RowVerification.EVERY_ROW, 0)
                    .restore(connection, manifest, COPY, RestoreProgress.SILENT);
        }
    }

    @Test
    void a_database_of_another_encoding_takes_what_it_can_convert() throws Exception {
        database.run("CREATE TABLE t (id int, v text)", "INSERT INTO t VALUES (1, 'für'), (2, 'ÿ')");
        SnapshotManifest good = taken("t");
        database.run("INSERT INTO t VALUES (3, '€')");
        SnapshotManifest bad = taken("t");
        String name = database.value("SELECT current_database() || '_latin1'");
        database.run("CREATE DATABASE \"" + name + "\" TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
        try {
            TestDatabase latin = new TestDatabase(database.url().replaceFirst("/[^/?]+\\?", "/" + name + "?"));

            assertThat(restored(latin, good).validation().holds()).isTrue();
            assertThat(latin.rows("SELECT v, length(v), octet_length(v) FROM copy ORDER BY id"))
                    .containsExactly("für|3|3", "ÿ|1|1");
            latin.run("DROP TABLE copy");
            assertThatThrownBy(() -> restored(latin, bad))
                    .isInstanceOf(RecoveryException.class)
                    .hasMessage("rows of data-00000.copy.zst of snapshot " + bad.snapshotId()
                            + " could not be loaded into public.copy, column v: the server refuses a value (SQLSTATE "
                            + "22P05)\nHINT: the rows are stored in the binary form of server version "
                            + bad.serverVersion()
                            + ", with text in UTF8: restore into such a server, and take from there a "
                            + "snapshot that is text (backstop snapshots create --format text); nothing was kept");
            assertThat(latin.rows("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"))
                    .isEmpty();
        } finally {
            database.run("DROP DATABASE \"" + name + "\" WITH (FORCE)");
        }
    }

    @Test
    void a_value_that_its_type_does_not_take_any_more_is_refused_by_its_column_and_not_shown() throws Exception {
        database.run(
                "CREATE TYPE mood AS ENUM ('secret', 'ok')",
                "CREATE TABLE t (id int, \"the, column\" mood)",
                "INSERT INTO t VALUES (1, 'secret')");
        SnapshotManifest manifest = taken("t");
        database.run("DROP TABLE t", "DROP TYPE mood", "CREATE TYPE mood AS ENUM ('ok')");

        assertThatThrownBy(() -> restored(database, manifest))
                .isInstanceOf(RecoveryException.class)
                .hasMessageContaining("column the, column: the server refuses a value (SQLSTATE 22P02)")
                .hasMessageContaining("HINT: the column's type may have lost or renamed a label since")
                .hasMessageNotContaining("secret");
    }

    @Test
    void an_infinite_interval_comes_back_within_versions_that_know_it() throws Exception {
        database.run(
                "CREATE TABLE t (i interval, a interval[])", "INSERT INTO t VALUES ('178000000 years', '{-1 day}')");
        if (Integer.parseInt(database.value("SHOW server_version_num")) >= 170_000) {
            database.run("INSERT INTO t VALUES ('infinity', '{-infinity}')");
        }
        List<String> rows = database.rows("SELECT * FROM t ORDER BY i");

        restored(database, taken("t"));

        assertThat(database.rows("SELECT * FROM copy ORDER BY i")).isEqualTo(rows);
    }

    @Test
    void an_infinite_interval_is_not_taken_for_a_long_one_nor_the_other_way_round() throws Exception {
        boolean knowsInfinity = Integer.parseInt(database.value("SHOW server_version_num")) >= 170000;
        String other = knowsInfinity ? "16.4 (Debian)" : "17.0";
        database.run(
                "CREATE DOMAIN span AS interval",
                "CREATE TABLE t (plain interval, i span, a interval[])",
                "INSERT INTO t SELECT '1 day', '-2 years', '{3 hours}' FROM generate_series(1, 9)");
        SnapshotManifest harmless = taken("t");

        try (Connection connection = database.connect();
                RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
            RelationName table = RelationName.of("public", "t");
            InfiniteIntervalCheck.refuseOtherMeaning(transaction, of(harmless, other), table, COPY);
            for (String column : List.of("i", "a")) {
                // As binary COPY would bring it, in a form that every version reads.
                transaction.execute("UPDATE public.t SET " + column + " = "
                        + longest(column.equals("a") ? "ARRAY[%s]" : "%s", knowsInfinity));
                InfiniteIntervalCheck.refuseOtherMeaning(transaction, harmless, table, COPY);
                assertThatThrownBy(() ->
                                InfiniteIntervalCheck.refuseOtherMeaning(transaction, of(harmless, other), table, COPY))
                        .isInstanceOf(RecoveryException.class)
                        .hasMessageStartingWith("snapshot " + harmless.snapshotId() + " of server version " + other
                                + " holds intervals in column " + column
                                + " that would mean something else in public.copy: the longest one is infinity from "
                                + "version 17 on, and not before\nHINT: ");
                transaction.execute("UPDATE public.t SET " + column + " = NULL");
            }
        }
    }

    private static String longest(String form, boolean knowsInfinity) {
        return form.formatted(
                knowsInfinity
                        ? "interval '-infinity'"
                        : "(interval '-178956970 years -8 mons -2147483648 days' + interval '-1 hour' * 2562047788 "
                                + "- interval '54.775808 s')");
    }

    private static SnapshotManifest of(SnapshotManifest m, String serverVersion) {
        return new SnapshotManifest(
                m.formatVersion(),
                m.snapshotId(),
                m.groupId(),
                m.schema(),
                m.table(),
                m.columns(),
                m.coverage(),
                m.rowCount(),
                m.rowChecksum(),
                m.copyFormat(),
                m.encoding(),
                m.compression(),
                m.chunks(),
                m.schemaObject(),
                m.schemaSql(),
                m.createdAt(),
                m.source(),
                m.statementSha256(),
                m.approvalId(),
                m.agentId(),
                m.database(),
                serverVersion,
                m.lsn(),
                m.status());
    }

    @ParameterizedTest
    @ValueSource(strings = {"tsquery", "int2vector", "oidvector", "refcursor"})
    void an_empty_value_comes_back_whatever_the_binary_input_of_its_type_thinks_of_it(String type) throws Exception {
        database.run("CREATE TABLE t (v " + type + ")", "INSERT INTO t VALUES (''), (NULL)");
        SnapshotManifest manifest;
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            manifest = secured(connection, "t");
            connection.rollback();
        }

        assertThat(restored(database, manifest).validation().holds()).isTrue();
    }
}
