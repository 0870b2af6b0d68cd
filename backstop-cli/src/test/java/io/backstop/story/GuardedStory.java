package io.backstop.story;

import io.backstop.api.snapshot.Progress.Step;
import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A database with one table {@code t} of a thousand rows and nothing else, and an empty storage: what is sent through a
 * guarded driver, and what the command makes of it afterwards.
 */
@ExtendWith(PostgresExtension.class)
abstract class GuardedStory {
    @TempDir
    Path folder;

    TestDatabase database;
    ObjectStore store;
    SnapshotArchive archive;

    /** What is to happen when a step is reached; a test sets it before it sends its statement. */
    Meanwhile meanwhile = step -> {};

    interface Meanwhile {
        void at(Step step) throws SQLException;
    }

    @BeforeEach
    final void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        store = ObjectStores.open(storage());
        archive = new SnapshotArchive(store);
        database.run(
                "DROP SCHEMA IF EXISTS app CASCADE",
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE t (id int PRIMARY KEY, k int, v text)",
                "INSERT INTO t SELECT i, i % 10, 'v' || i FROM generate_series(1, 1000) i");
    }

    @AfterEach
    final void close() {
        store.close();
    }

    final String storage() {
        return folder.resolve("snapshots").toUri().toString();
    }

    final Path control() {
        return folder.resolve("backstop.db");
    }

    /** Nothing is held for a human and no ordinary write is stored; the rest as {@code strict} has it, but for these keys. */
    final Backstop backstop(String rules) throws SQLException, IOException {
        Path policy = folder.resolve("policy.json");
        Files.writeString(
                policy,
                "{\"require_approval_for_risks\": []"
                        + (rules.contains("cover_writes") ? "" : ", \"cover_writes\": \"none\"")
                        + (rules.isEmpty() ? "" : ", " + rules) + "}");
        return under(policy.toString());
    }

    final Backstop protecting(String... tables) throws SQLException, IOException {
        return backstop("\"protected_tables\": [\"" + String.join("\", \"", tables) + "\"]");
    }

    final Backstop under(String policy) throws SQLException {
        return Backstop.builder()
                .policy(policy)
                .storage(storage())
                .control(control())
                .progress((step, subject, done, total) -> {
                    try {
                        meanwhile.at(step);
                    } catch (SQLException e) {
                        throw new IllegalStateException(e);
                    }
                })
                .build();
    }

    /** {@code ok} and the update count, or the SQLSTATE and the message. */
    static String outcome(Statement statement, String sql) {
        try {
            statement.execute(sql);
            return "ok " + statement.getUpdateCount();
        } catch (SQLException e) {
            return e.getSQLState() + " " + e.getMessage();
        }
    }

    final String outcome(Backstop backstop, String sql) throws SQLException {
        try (Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            return outcome(statement, sql);
        }
    }

    /** Runs it in a session of its own; it has to succeed. */
    final void execute(Backstop backstop, String sql) throws SQLException {
        try (Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** A command that is told the database and the storage. */
    final CommandRun command(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--db", database.url().replaceFirst("^jdbc:", ""), "--storage", storage()));
        return CommandRun.of(all.toArray(String[]::new));
    }

    final CommandRun recover(String table) {
        return command("recover", "--table", table);
    }

    final void recoverAndCopyBack(String table, String... options) throws SQLException {
        List<String> arguments = new ArrayList<>(List.of("recover", "--table", table));
        arguments.addAll(List.of(options));
        CommandRun recovery = command(arguments.toArray(String[]::new));
        assertThat(recovery.exitCode()).as(recovery.errors()).isZero();
        database.run(recovery.output());
    }
}
