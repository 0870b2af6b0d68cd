package io.backstop.cli.snapshots;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.cli.CommandRun;
import io.backstop.cli.output.ExitCode;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The sidecar and the policy that counts on it, with the real driver between. */
@ExtendWith(PostgresExtension.class)
class SidecarCommandTest {
    @TempDir
    private Path folder;

    private TestDatabase database;
    private Path control;
    private String storage;

    @BeforeEach
    void fill(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        control = folder.resolve("backstop.db");
        storage = folder.resolve("snapshots").toUri().toString();
        database.run(
                "DROP TABLE IF EXISTS users CASCADE",
                "CREATE TABLE users (id int PRIMARY KEY)",
                "INSERT INTO users VALUES (1), (2)");
    }

    private CommandRun sidecar(String table) {
        return CommandRun.of(
                "sidecar",
                "--db",
                database.url().replaceFirst("^jdbc:", ""),
                "--storage",
                storage,
                "--control",
                control.toString(),
                "--table",
                table,
                "--every",
                "0",
                "--rounds",
                "2");
    }

    private void truncate() throws Exception {
        Path policy = Files.writeString(
                folder.resolve("policy.json"), "{\"snapshot_mode\": \"recent\", \"require_approval_for_risks\": []}");
        try (Connection connection = DriverManager.getConnection(database.backstopUrl("backstop.policy=" + policy
                        + "&backstop.control=" + control + "&backstop.storage=" + storage));
                Statement statement = connection.createStatement()) {
            statement.execute("TRUNCATE users");
        }
    }

    private String rows() throws SQLException {
        return database.value("SELECT count(*) FROM users");
    }

    @Test
    void what_the_sidecar_stored_covers_a_statement_and_comes_back() throws Exception {
        assertThatThrownBy(this::truncate)
                .isInstanceOf(RecoveryNotReadyException.class)
                .hasMessageContaining("no sidecar has ever been heard of");
        assertThat(rows()).isEqualTo("2");

        CommandRun run = sidecar("users");
        assertThat(run.exitCode()).as(run.errors()).isZero();
        assertThat(run.output().lines()).hasSize(2).allMatch(line -> line.contains("1 table stored in group grp_"));

        truncate();
        assertThat(rows()).isEqualTo("0");
        CommandRun recover = CommandRun.of(
                "recover", "--db", database.url().replaceFirst("^jdbc:", ""), "--storage", storage, "--table", "users");
        assertThat(recover.exitCode()).as(recover.errors()).isZero();
        assertThat(database.value("SELECT count(*) FROM users_recovered")).isEqualTo("2");
        database.run("DROP TABLE users_recovered");
    }

    @Test
    void a_round_that_fails_is_told_and_is_no_sign_of_life() throws Exception {
        CommandRun run = sidecar("nothing");
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(run.errors()).contains("this round failed: table nothing does not exist");
        try (SqlControlStore store = SqlControlStore.sqlite(control, Clock.systemUTC())) {
            assertThat(store.heartbeats().latest()).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({"--rounds, 0", "--every, -1", "--every, 31536001", "--every, 9223372036854775807"})
    void numbers_that_make_no_sense_are_refused(String option, String number) {
        CommandRun run = CommandRun.of(
                "sidecar",
                "--db",
                "postgresql://localhost/x",
                "--storage",
                storage,
                "--table",
                "users",
                option,
                number);
        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(run.errors()).contains("--every has to be from 0 to 31536000, and --rounds at least 1");
    }
}
