package io.backstop.story;

import io.backstop.cli.CommandRun;
import io.backstop.cli.output.ExitCode;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.S3Extension;
import io.backstop.testing.TestDatabase;
import io.backstop.testing.VersionedS3Server;
import io.backstop.testing.VersionedS3Server.Trait;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Statements and commands over a bucket that locks what is stored there. */
@ExtendWith({PostgresExtension.class, S3Extension.class})
class LockedStorageTest {
    private static final String LOCK = "?lock=governance:30d";

    @TempDir
    private Path folder;

    private final TestDatabase database;

    LockedStorageTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void fill() throws SQLException {
        database.run(
                "DROP TABLE IF EXISTS t, t_recovered",
                "CREATE TABLE t (id int PRIMARY KEY)",
                "INSERT INTO t SELECT generate_series(1, 10)");
    }

    private Connection guarded(String storage) throws SQLException {
        return DriverManager.getConnection(database.backstopUrl("backstop.agentId=agent&backstop.policy=application"
                + "&backstop.control=" + folder.resolve("backstop.db") + "&backstop.storage=" + storage));
    }

    private static CommandRun run(String storage, String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--storage", storage));
        return CommandRun.of(all.toArray(String[]::new));
    }

    private String db() {
        return database.url().replaceFirst("^jdbc:", "");
    }

    private static JsonNode json(CommandRun run) {
        return JsonMapper.shared().readTree(run.output());
    }

    private CommandRun prune(String storage, String... more) {
        List<String> all = new ArrayList<>(List.of(
                "snapshots",
                "prune",
                "--older-than",
                "0s",
                "--approval-retention",
                "0s",
                "--control",
                folder.resolve("backstop.db").toString()));
        all.addAll(List.of(more));
        return run(storage, all.toArray(String[]::new));
    }

    @Test
    void a_prune_leaves_and_names_what_is_locked_and_removes_it_with_its_versions_afterwards() throws Exception {
        try (VersionedS3Server server = VersionedS3Server.start(Trait.VERSIONS, Trait.LOCKS)) {
            for (int i = 0; i < 2; i++) {
                CommandRun taken = run(server.storage() + LOCK, "snapshots", "create", "--db", db(), "--table", "t");
                assertThat(taken.exitCode()).as(taken.errors()).isZero();
            }
            List<String> before = server.stored();
            CommandRun dry = prune(server.storage(), "--dry-run", "--json");
            CommandRun words = prune(server.storage());
            assertThat(words.exitCode()).as(words.errors()).isEqualTo(ExitCode.DONE);
            assertThat(words.output())
                    .contains(
                            "keep",
                            "locked until ",
                            "removed 0 of 2 snapshots, 0 bytes",
                            "locked by the storage, and left until that ends: 1");
            assertThat(server.stored()).as("nothing was touched").isEqualTo(before);
            JsonNode report = json(prune(server.storage(), "--json"));
            assertThat(report.get("snapshots")).isEqualTo(json(dry).get("snapshots"));
            assertThat(report.get("snapshots").valueStream())
                    .filteredOn(snapshot -> snapshot.get("locked").asBoolean())
                    .singleElement()
                    .satisfies(snapshot -> {
                        assertThat(snapshot.get("remove").asBoolean()).isFalse();
                        assertThat(snapshot.get("why").asString())
                                .isEqualTo("locked until "
                                        + snapshot.get("locked_until").asString());
                    });
            server.endLocks();
            assertThat(prune(server.storage()).output()).contains("removed 1 of 2 snapshots");
            assertThat(server.stored()).hasSize(before.size() / 2 + 1).doesNotHaveDuplicates();
        }
    }

    @Test
    void what_was_stored_for_a_statement_that_was_rolled_back_counts_as_removed() throws Exception {
        try (VersionedS3Server server = VersionedS3Server.start(Trait.VERSIONS, Trait.LOCKS)) {
            try (Connection connection = guarded(server.storage() + LOCK);
                    Statement statement = connection.createStatement()) {
                connection.setAutoCommit(false);
                statement.execute("TRUNCATE t");
                connection.rollback();
            }
            assertThat(server.keys())
                    .filteredOn(name -> name.endsWith("manifest.json"))
                    .hasSize(1);
            CommandRun list = run(server.storage(), "snapshots", "list", "--json");
            assertThat(list.exitCode()).as(list.errors()).isZero();
            assertThat(list.errors()).isEmpty();
            assertThat(json(list)).isEmpty();
            assertThat(prune(server.storage()).output()).contains("locked until ", "removed 0 of 1 snapshots");
            server.endLocks();
            assertThat(prune(server.storage()).output()).contains("removed 1 of 1 snapshots");
            assertThat(server.stored())
                    .filteredOn(name -> name.startsWith("snapshots/"))
                    .isEmpty();
        }
    }

    @Test
    void a_statement_does_not_run_where_its_rows_cannot_be_locked() throws Exception {
        for (Trait trait : List.of(Trait.KNOWS_NO_LOCKS, Trait.VERSIONS)) {
            try (VersionedS3Server server = VersionedS3Server.start(trait);
                    Connection connection = guarded(server.storage() + LOCK);
                    Statement statement = connection.createStatement()) {
                assertThatThrownBy(() -> statement.execute("TRUNCATE t"))
                        .isInstanceOf(SQLException.class)
                        .hasMessageContaining("the lock (governance, 30 days) of " + server.storage() + " is asked for")
                        .satisfies(e ->
                                assertThat(((SQLException) e).getSQLState()).isEqualTo("ZB007"));
                assertThat(server.stored()).isEmpty();
            }
        }
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("10");
    }

    private static JsonNode check(CommandRun run, String name) {
        return json(run)
                .get("checks")
                .valueStream()
                .filter(check -> check.get("check").asString().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static CommandRun doctor(String storage) {
        return run(storage, "doctor", "storage-permissions", "--json");
    }

    private static void assertLock(CommandRun run, int exitCode, String status, String detail) {
        assertThat(run.exitCode()).as(run.output()).isEqualTo(exitCode);
        JsonNode lock = check(run, "object lock");
        assertThat(lock.get("status").asString()).isEqualTo(status);
        assertThat(lock.get("detail").asString()).contains(detail);
    }

    @Test
    void the_doctor_tells_lock_and_versions() throws IOException {
        try (VersionedS3Server server = VersionedS3Server.start(Trait.VERSIONS, Trait.LOCKS)) {
            CommandRun locked = doctor(server.storage() + LOCK);
            assertLock(locked, ExitCode.DONE, "ready", "governance, 30 days; a locked object could not be removed");
            assertThat(check(locked, "versions of removed objects")
                            .get("detail")
                            .asString())
                    .startsWith("kept; ");
            assertThat(json(locked).get("status").asString()).isEqualTo("ready");
            assertLock(doctor(server.storage()), ExitCode.DONE, "degraded", "snapshots are not locked");
            assertThat(server.stored()).as("the trial's object alone").containsExactly("probe/locked");
            server.set(Trait.LOCKS_BY_DEFAULT, true);
            CommandRun byDefault = doctor(server.storage());
            assertLock(byDefault, ExitCode.DONE, "ready", "the bucket itself locks every object: governance, 1 day");
            assertThat(check(byDefault, "remove an object").get("status").asString())
                    .isEqualTo("ready");
        }
        try (VersionedS3Server server = VersionedS3Server.start(Trait.KNOWS_NO_LOCKS)) {
            assertLock(doctor(server.storage()), ExitCode.DONE, "degraded", "the bucket has none");
            assertLock(doctor(server.storage() + LOCK), ExitCode.FAILED, "not_ready", "does not hold");
        }
        try (VersionedS3Server server = VersionedS3Server.start(Trait.IGNORES_CONDITIONS)) {
            CommandRun run = doctor(server.storage());
            assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
            assertThat(check(run, "write an object").get("detail").asString()).contains("ignores If-None-Match");
        }
    }
}
