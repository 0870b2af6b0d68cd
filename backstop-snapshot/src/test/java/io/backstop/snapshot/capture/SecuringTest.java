package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotServiceProvider;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.store.MemoryObjectStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

import static io.backstop.snapshot.capture.Securing.only;
import static io.backstop.snapshot.capture.Securing.plain;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

/** How a transaction fares while its rows are saved. */
@ExtendWith(PostgresExtension.class)
class SecuringTest {
    private static final String LOCKS =
            "SELECT string_agg(c.relname || ' ' || l.mode, ', ' ORDER BY c.relname, l.mode) FROM pg_locks l "
                    + "JOIN pg_class c ON c.oid = l.relation WHERE l.pid = pg_backend_pid() AND c.relnamespace = "
                    + "'public'::regnamespace AND c.relkind = 'r' AND l.mode <> 'AccessShareLock'";

    private final Securing securing = new Securing(new MemoryObjectStore());
    private TestDatabase database;

    @BeforeEach
    void tables(TestDatabase database) throws SQLException {
        this.database = database;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE a (id integer PRIMARY KEY)",
                "CREATE TABLE b (id integer)",
                "INSERT INTO a VALUES (1), (2)",
                "INSERT INTO b VALUES (3)");
    }

    @Test
    void the_manifest_tells_where_the_rows_are_from_and_what_for() throws Exception {
        try (Connection connection = Securing.begin(database)) {
            SecuredRows secured = securing.secure(connection, plain(Kind.TRUNCATE, "a"));
            SnapshotManifest manifest = only(secured);
            assertThat(manifest.snapshotId()).matches("snap_[0-9a-f]{16}");
            assertThat(manifest.groupId()).matches("grp_[0-9a-f]{16}").isEqualTo(secured.groupId());
            assertThat(manifest.createdAt()).isEqualTo(Securing.NOW);
            assertThat(manifest.source()).isEqualTo(SnapshotManifest.Source.INLINE);
            assertThat(manifest.agentId()).isEqualTo(Optional.of("agent-7"));
            assertThat(manifest.approvalId()).isEqualTo(Optional.of("appr_1"));
            assertThat(manifest.statementSha256()).isEqualTo(Optional.of("ab".repeat(32)));
            assertThat(manifest.database()).isEqualTo("localhost:5432/test");
            assertThat(manifest.serverVersion()).isEqualTo(Securing.value(connection, "SHOW server_version"));
            assertThat(manifest.lsn()).matches("[0-9A-F]+/[0-9A-F]+");
            assertThat(secured.storage()).isEqualTo("memory:");
            assertThat(securing.archive.list()).containsExactly(manifest);
            securing.archive.verify(manifest);
            assertThat(new String(securing.archive.script(manifest), java.nio.charset.StandardCharsets.UTF_8))
                    .contains("CREATE TABLE \"public\".\"a\" (\"id\" integer")
                    .contains("\\copy \"public\".\"a\" (\"id\") FROM PROGRAM 'zstd -dc data-00000.copy.zst'")
                    .contains("ADD CONSTRAINT \"a_pkey\" PRIMARY KEY (id);");
        }
    }

    @Test
    void each_table_gets_at_once_the_strongest_lock_that_the_statement_needs() throws Exception {
        try (Connection connection = Securing.begin(database)) {
            securing.secure(connection, plain(Kind.DELETE, "a"), plain(Kind.TRUNCATE, "b"));
            assertThat(Securing.value(connection, LOCKS)).isEqualTo("a ShareRowExclusiveLock, b AccessExclusiveLock");
            connection.rollback();
            securing.secure(connection, plain(Kind.DELETE, "a"), plain(Kind.TRUNCATE, "a"));
            assertThat(Securing.value(connection, LOCKS)).isEqualTo("a AccessExclusiveLock");
        }
    }

    @Test
    void locks_come_in_the_order_of_the_oids_whatever_the_statement_says() throws Exception {
        List<String> locked = new ArrayList<>();
        Progress progress = (step, subject, done, total) -> {
            if (step == Progress.Step.LOCKED) {
                locked.add(subject);
            }
        };
        try (Connection connection = Securing.begin(database)) {
            securing.service.secure(
                    connection,
                    Connections.NONE,
                    Securing.request(List.of(plain(Kind.TRUNCATE, "b", "a")), List.of(), Long.MAX_VALUE),
                    progress);
        }
        assertThat(locked).containsExactly("public.a", "public.b");
    }

    @Test
    void progress_is_told_in_the_order_of_the_steps() throws Exception {
        List<String> steps = new ArrayList<>();
        try (Connection connection = Securing.begin(database)) {
            securing.service.secure(
                    connection,
                    Connections.NONE,
                    Securing.request(List.of(plain(Kind.TRUNCATE, "a")), List.of(), Long.MAX_VALUE),
                    (step, subject, done, total) -> steps.add(step + " " + done));
        }
        assertThat(steps)
                .containsExactly("LOCKED 0", "DESCRIBED 0", "COPYING 2", "COPIED 0", "PUBLISHED 0", "VERIFIED 0");
    }

    @Test
    void the_session_has_its_own_settings_afterwards() throws Exception {
        List<String> settings = List.of(
                "search_path",
                "intervalstyle",
                "timezone",
                "row_security",
                "statement_timeout",
                "lock_timeout",
                "extra_float_digits",
                "bytea_output",
                "lc_monetary",
                "idle_in_transaction_session_timeout");
        try (Connection connection = Securing.begin(database)) {
            Securing.run(
                    connection,
                    "SET search_path = public, pg_catalog",
                    "SET intervalstyle = 'sql_standard'",
                    "SET LOCAL timezone = 'Asia/Kathmandu'",
                    "SET statement_timeout = '61s'",
                    "SET LOCAL lock_timeout = '7s'",
                    "SET bytea_output = 'escape'");
            List<String> before = values(connection, settings);
            SecuredRows secured = securing.secure(connection, plain(Kind.TRUNCATE, "a"));
            assertThat(values(connection, settings)).isEqualTo(before);
            Securing.run(connection, "TRUNCATE a");
            secured.confirmNothingElseWasDestroyed();
            assertThat(values(connection, settings)).isEqualTo(before);
            connection.commit();
            assertThat(Securing.value(connection, "SHOW search_path")).isEqualTo("public, pg_catalog");
            assertThat(Securing.value(connection, "SHOW lock_timeout")).isEqualTo("0");
        }
    }

    @Test
    void a_copy_may_take_longer_than_the_applications_transactions() throws Exception {
        try (Connection connection = database.connect()) {
            assumeThat(connection.getMetaData().getDatabaseMajorVersion())
                    .as("the setting came with 17")
                    .isGreaterThanOrEqualTo(17);
            Securing.run(connection, "SET transaction_timeout = '2s'");
            connection.setAutoCommit(false);
            securing.service.secure(
                    connection,
                    Connections.NONE,
                    Securing.request(List.of(plain(Kind.TRUNCATE, "a")), List.of(), Long.MAX_VALUE),
                    (step, subject, done, total) -> {
                        if (step == Progress.Step.DESCRIBED) {
                            letPass("2.5");
                        }
                    });
            assertThat(Securing.value(connection, "SHOW transaction_timeout")).isEqualTo("2s");
            connection.rollback();
        }
    }

    private void letPass(String seconds) {
        try {
            database.value("SELECT pg_sleep(" + seconds + ")");
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    private static List<String> values(Connection connection, List<String> settings) throws SQLException {
        List<String> values = new ArrayList<>();
        for (String setting : settings) {
            values.add(setting + "=" + Securing.value(connection, "SHOW " + setting));
        }
        return values;
    }

    @Test
    void a_transaction_that_sql_began_in_auto_commit_mode_is_joined() throws Exception {
        try (Connection connection = database.connect()) {
            Securing.run(connection, "BEGIN", "SET LOCAL search_path = public, pg_catalog", "INSERT INTO b VALUES (4)");
            SecuredRows secured = securing.secure(connection, plain(Kind.TRUNCATE, "b"));
            assertThat(securing.rows(database, only(secured))).containsExactlyInAnyOrder("3", "4");
            Securing.run(connection, "TRUNCATE b");
            secured.confirmNothingElseWasDestroyed();
            assertThat(connection.getAutoCommit()).isTrue();
            Securing.run(connection, "ROLLBACK");
            assertThat(Securing.value(connection, "SHOW search_path")).isEqualTo("\"$user\", public");
        }
        assertThat(database.value("SELECT count(*) FROM b")).isEqualTo("1");
    }

    @Test
    void a_refusal_leaves_the_transaction_that_sql_began_as_it_was() throws Exception {
        try (Connection connection = database.connect()) {
            Securing.run(connection, "BEGIN", "INSERT INTO b VALUES (4)");
            assertThatThrownBy(() -> securing.service.secure(
                            connection,
                            Connections.NONE,
                            Securing.request(List.of(plain(Kind.TRUNCATE, "b")), List.of(), 0),
                            Progress.SILENT))
                    .isInstanceOf(RecoveryNotReadyException.class);
            Securing.run(connection, "COMMIT");
        }
        assertThat(database.value("SELECT count(*) FROM b")).isEqualTo("2");
    }

    private SecuredRows secureFor(Connection connection, boolean callersTransaction) throws Exception {
        return securing.service.secure(
                connection,
                Connections.NONE,
                new SnapshotRequest(
                        List.of(plain(Kind.DELETE, "a")),
                        List.of("b"),
                        Long.MAX_VALUE,
                        Optional.empty(),
                        "localhost:5432/test",
                        "agent-7",
                        "ab".repeat(32),
                        Optional.empty(),
                        callersTransaction),
                Progress.SILENT);
    }

    @Test
    void a_trigger_that_may_wait_for_the_callers_commit_is_refused() throws Exception {
        database.run(
                "CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM b; RETURN OLD; END $$",
                "CREATE CONSTRAINT TRIGGER later AFTER DELETE ON a DEFERRABLE FOR EACH ROW EXECUTE FUNCTION later()");
        try (Connection connection = Securing.begin(database)) {
            assertThatThrownBy(() -> secureFor(connection, true))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessage(
                            "trigger later of table public.a may be deferred to the commit of a transaction that goes "
                                    + "on after the statement, so what it destroys could not be seen\n"
                                    + "HINT: run the statement by itself, outside of a transaction");
            assertThat(securing.store.list("")).isEmpty();
            assertThat(secureFor(connection, false).manifests()).hasSize(2);
            connection.rollback();
            database.run("ALTER TABLE a DISABLE TRIGGER later");
            assertThat(secureFor(connection, true).manifests()).hasSize(2);
        }
    }

    @Test
    void triggers_that_cannot_wait_and_deferrable_keys_run_in_the_callers_transaction() throws Exception {
        database.run(
                "CREATE FUNCTION soon() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$",
                "CREATE TRIGGER soon AFTER DELETE ON a FOR EACH ROW EXECUTE FUNCTION soon()",
                "ALTER TABLE b ADD FOREIGN KEY (id) REFERENCES a DEFERRABLE NOT VALID",
                "CREATE CONSTRAINT TRIGGER kept AFTER DELETE ON b DEFERRABLE FOR EACH ROW EXECUTE FUNCTION soon()");
        try (Connection connection = Securing.begin(database)) {
            assertThat(secureFor(connection, true).manifests()).hasSize(2);
        }
    }

    @Test
    void the_deferrable_trigger_of_a_partition_is_refused_too() throws Exception {
        database.run(
                "DROP TABLE a",
                "CREATE TABLE p (id integer) PARTITION BY LIST (id)",
                "CREATE TABLE a PARTITION OF p DEFAULT",
                "CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$",
                "CREATE CONSTRAINT TRIGGER later AFTER DELETE ON p DEFERRABLE FOR EACH ROW EXECUTE FUNCTION later()");
        try (Connection connection = Securing.begin(database)) {
            assertThatThrownBy(() -> secureFor(connection, true))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageStartingWith("trigger later of table public.a may be deferred");
        }
    }

    @Test
    void a_connection_in_auto_commit_mode_is_refused() throws Exception {
        try (Connection connection = database.connect()) {
            assertThatThrownBy(() -> securing.secure(connection, plain(Kind.TRUNCATE, "a")))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageStartingWith("the connection is in auto-commit mode without a transaction");
        }
    }

    @Test
    void a_table_that_somebody_else_holds_is_named_and_the_transaction_goes_on_without_locks() throws Exception {
        Securing impatient = new Securing(new MemoryObjectStore(), Duration.ofMillis(20));
        try (Connection other = Securing.begin(database);
                Connection connection = Securing.begin(database)) {
            Securing.run(other, "INSERT INTO b VALUES (4)");
            Securing.run(connection, "INSERT INTO a VALUES (77)");
            String before = Securing.value(connection, LOCKS);
            assertThatThrownBy(() -> impatient.secure(connection, plain(Kind.TRUNCATE, "a", "b")))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessage(
                            "table public.b could not be locked: canceling statement due to lock timeout; nothing was "
                                    + "changed\nHINT: another transaction held it for more than 20 ms; run it again later");
            assertThat(Securing.value(connection, LOCKS)).isEqualTo(before);
            assertThat(Securing.value(connection, "SHOW lock_timeout")).isEqualTo("0");
            connection.commit();
        }
        assertThat(database.value("SELECT count(*) FROM a WHERE id = 77")).isEqualTo("1");
    }

    /** Of the session, shorter or longer than what Backstop waits for where the session says nothing. */
    @ParameterizedTest
    @ValueSource(strings = {"SET", "SET LOCAL", "ALTER ROLE CURRENT_USER SET"})
    void a_lock_timeout_of_the_sessions_own_is_respected(String setting) throws Exception {
        Securing patient = new Securing(new MemoryObjectStore(), Duration.ofHours(1));
        try (Connection other = Securing.begin(database)) {
            Securing.run(other, "INSERT INTO b VALUES (4)");
            boolean ofRole = setting.startsWith("ALTER");
            if (ofRole) {
                database.run(setting + " lock_timeout = '21ms'");
            }
            try (Connection connection = Securing.begin(database)) {
                if (!ofRole) {
                    Securing.run(connection, setting + " lock_timeout = '21ms'");
                }
                assertThatThrownBy(() -> patient.secure(connection, plain(Kind.TRUNCATE, "a", "b")))
                        .isInstanceOf(RecoveryNotReadyException.class)
                        .hasMessageEndingWith("another transaction held it for more than 21 ms; run it again later");
                assertThat(Securing.value(connection, "SHOW lock_timeout")).isEqualTo("21ms");
                connection.rollback();
            } finally {
                database.run("ALTER ROLE CURRENT_USER RESET lock_timeout");
            }
        }
    }

    @Test
    void a_longer_lock_timeout_of_the_sessions_own_is_waited_for() throws Exception {
        Securing impatient = new Securing(new MemoryObjectStore(), Duration.ofMillis(1));
        try (Connection other = Securing.begin(database);
                Connection connection = Securing.begin(database)) {
            Securing.run(other, "INSERT INTO b VALUES (4)");
            Securing.run(connection, "SET lock_timeout = '1h'");
            int process = Integer.parseInt(Securing.value(connection, "SELECT pg_backend_pid()"));
            CompletableFuture<SecuredRows> secured = CompletableFuture.supplyAsync(() -> {
                try {
                    return impatient.secure(connection, plain(Kind.TRUNCATE, "a", "b"));
                } catch (Exception e) {
                    throw new CompletionException(e);
                }
            });
            while (!secured.isDone()
                    && !database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                    + " AND clock_timestamp() - state_change > interval '20 ms' AND pid = " + process)
                            .equals("1")) {
                Thread.onSpinWait();
            }
            other.commit();
            secured.get().discard(new Exception("the test is over"));
            assertThat(Securing.value(connection, "SHOW lock_timeout")).isEqualTo("1h");
            connection.rollback();
        }
    }

    @Test
    void tables_larger_than_allowed_are_not_copied() throws Exception {
        try (Connection connection = Securing.begin(database)) {
            assertThatThrownBy(() -> securing.service.secure(
                            connection,
                            Connections.NONE,
                            Securing.request(List.of(plain(Kind.TRUNCATE, "a", "b")), List.of(), 8192),
                            Progress.SILENT))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageMatching(
                            "the tables that the statement reaches \\(public.a, public.b\\) take \\d+ bytes on "
                                    + "disk, more than the 8192 that may be saved inline\\R?HINT: .*");
            assertThat(securing.store.list("")).isEmpty();
        }
    }

    @Test
    void rows_that_a_policy_hides_are_not_left_out_in_silence() throws Exception {
        database.run(
                "DROP ROLE IF EXISTS securing_agent",
                "CREATE ROLE securing_agent",
                "GRANT ALL ON SCHEMA public TO securing_agent",
                "GRANT ALL ON a TO securing_agent",
                "ALTER TABLE a ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY one ON a USING (id = 1)");
        try (Connection connection = Securing.begin(database)) {
            Securing.run(connection, "SET ROLE securing_agent");
            assertThat(Securing.value(connection, "SELECT count(*) FROM a")).isEqualTo("1");
            assertThatThrownBy(() -> securing.secure(connection, plain(Kind.DELETE, "a")))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageContaining("query would be affected by row-level security policy for table \"a\"");
            assertThat(Securing.value(connection, "SELECT count(*) FROM a")).isEqualTo("1");
            assertThat(securing.archive.list()).isEmpty();
        } finally {
            database.run("DROP OWNED BY securing_agent", "DROP ROLE securing_agent");
        }
    }

    @Test
    void a_failed_transaction_is_told_to_be_one() throws Exception {
        try (Connection connection = Securing.begin(database)) {
            assertThatThrownBy(() -> Securing.run(connection, "SELECT 1 / 0")).isInstanceOf(SQLException.class);
            assertThatThrownBy(() -> securing.secure(connection, plain(Kind.TRUNCATE, "a")))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageEndingWith("HINT: the transaction had failed before; roll it back");
        }
    }

    @Test
    void a_progress_that_fails_leaves_nothing_behind() throws Exception {
        try (Connection connection = Securing.begin(database)) {
            assertThatThrownBy(() -> securing.service.secure(
                            connection,
                            Connections.NONE,
                            Securing.request(List.of(plain(Kind.TRUNCATE, "a")), List.of(), Long.MAX_VALUE),
                            (step, subject, done, total) -> {
                                if (step == Progress.Step.PUBLISHED) {
                                    throw new IllegalStateException("terminal closed");
                                }
                            }))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(securing.store.list("")).isEmpty();
            assertThat(Securing.value(connection, "SELECT count(*) FROM a")).isEqualTo("2");
        }
    }

    @Test
    void a_storage_that_is_not_understood_is_told_with_what_is_accepted() {
        SnapshotServiceProvider provider = new PostgresSnapshotServiceProvider();
        assertThatThrownBy(() -> provider.open(
                        new SnapshotSettings("ftp://x", SnapshotSettings.DEFAULT_LOCK_TIMEOUT, Clock.systemUTC())))
                .isInstanceOf(RecoveryNotReadyException.class)
                .hasMessageContaining("accepted are file:///path");
    }

    @Test
    void a_storage_whose_module_is_absent_is_told_with_the_module_to_add() {
        SnapshotServiceProvider provider = new PostgresSnapshotServiceProvider();
        assertThatThrownBy(() -> provider.open(
                        new SnapshotSettings("s3://bucket", SnapshotSettings.DEFAULT_LOCK_TIMEOUT, Clock.systemUTC())))
                .isInstanceOf(RecoveryNotReadyException.class)
                .hasMessage("the storage address \"s3://bucket\" needs io.backstop:backstop-store-s3, which is not on "
                        + "the class path\nHINT: add io.backstop:backstop-store-s3 to the application");
    }
}
