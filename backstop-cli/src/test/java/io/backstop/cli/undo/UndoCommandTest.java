package io.backstop.cli.undo;

import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What an agent's statement did through the driver is undone by the command, and its record says so without values. */
@ExtendWith(PostgresExtension.class)
class UndoCommandTest {
    private static final Pattern UNDO = Pattern.compile("is undone, as (grp_[0-9a-f]{16})");

    @TempDir
    private Path folder;

    private TestDatabase database;

    @BeforeEach
    void fill(TestDatabase testDatabase) throws Exception {
        database = testDatabase;
        database.run(
                "DROP TABLE IF EXISTS users",
                "CREATE TABLE users (id text PRIMARY KEY, name text)",
                "INSERT INTO users SELECT 'user-' || n, 'name ' || n FROM generate_series(1, 10) AS n");
    }

    private String storage() {
        return folder.resolve("snapshots").toUri().toString();
    }

    private String control() {
        return folder.resolve("backstop.db").toString();
    }

    /** The name of the change. */
    private String sent(String sql) throws Exception {
        try (Connection connection = DriverManager.getConnection(
                        database.backstopUrl("backstop.agentId=agent&backstop.policy=application&backstop.control="
                                + control() + "&backstop.storage=" + storage()));
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
            statement.execute("SELECT 1");
            return Backstop.lastChange(connection).orElseThrow();
        }
    }

    private CommandRun undo(String id, String... more) {
        List<String> arguments = new ArrayList<>(List.of(
                "undo",
                id,
                "--db",
                database.url().replaceFirst("^jdbc:", ""),
                "--storage",
                storage(),
                "--control",
                control(),
                "--as",
                "olga"));
        arguments.addAll(List.of(more));
        return CommandRun.of(arguments.toArray(String[]::new));
    }

    private String recorded() {
        return CommandRun.of("audit", "list", "--json", "--control", control()).output();
    }

    private String named() throws Exception {
        return database.value("SELECT count(*) FROM users WHERE name LIKE 'name %'");
    }

    @Test
    void a_statement_is_undone_and_the_undo_too_and_both_are_recorded() throws Exception {
        String change = sent("UPDATE users SET name = 'lost'");

        CommandRun possible = undo(change, "--dry-run");
        assertThat(possible.exitCode()).as(possible.errors()).isZero();
        assertThat(possible.output())
                .contains("public.users: rows that get their earlier values: 10", "dry run: nothing was changed");
        assertThat(named()).isEqualTo("0");
        assertThat(recorded()).doesNotContain("undone as");

        CommandRun undone = undo(change);
        assertThat(undone.exitCode()).as(undone.errors()).isZero();
        assertThat(named()).isEqualTo("10");
        Matcher undo = UNDO.matcher(undone.output());
        assertThat(undo.find()).as(undone.output()).isTrue();
        assertThat(recorded()).contains(change + " undone as " + undo.group(1), "olga");

        assertThat(undo(undo.group(1)).exitCode()).isZero();
        assertThat(named()).isEqualTo("0");
    }

    @Test
    void a_row_that_was_changed_since_is_named_to_the_operator_and_not_in_the_audit() throws Exception {
        String change = sent("DELETE FROM users");
        database.run("INSERT INTO users VALUES ('user-7', 'again')");

        CommandRun refused = undo(change, "--json");

        assertThat(refused.exitCode()).isEqualTo(3);
        assertThat(refused.output()).contains("\"refused\"", "\"rewritten\"", "\"user-7\"", "\"not_touched\"");
        assertThat(refused.errors()).contains("so nothing was changed").doesNotContain("user-7");
        assertThat(recorded()).contains(change + " refused").doesNotContain("user-7");
        assertThat(undo(change).output()).contains("public.users (id = user-7) is there again, with other values");

        CommandRun skipped = undo(change, "--skip-changed");
        assertThat(skipped.exitCode()).as(skipped.errors()).isZero();
        assertThat(named()).isEqualTo("9");
    }

    @Test
    void a_statement_for_which_nothing_was_stored_has_no_name() throws Exception {
        try (Connection connection = DriverManager.getConnection(
                        database.backstopUrl("backstop.agentId=agent&backstop.policy=application&backstop.control="
                                + control() + "&backstop.storage=" + storage()));
                Statement statement = connection.createStatement()) {
            assertThat(Backstop.lastChange(connection)).isEmpty();
            statement.execute("UPDATE users SET name = 'lost'");
            assertThat(Backstop.lastChange(connection)).isPresent();
            statement.execute("INSERT INTO users VALUES ('user-11', 'new')");
            assertThat(Backstop.lastChange(connection)).isEmpty();
        }
        try (Connection plain = database.connect()) {
            assertThatThrownBy(() -> Backstop.lastChange(plain)).isInstanceOf(SQLException.class);
        }
    }

    @Test
    void what_cannot_be_undone_is_refused_with_what_to_do_instead() throws Exception {
        String change = sent("DROP TABLE users");

        assertThat(undo(change)).satisfies(run -> {
            assertThat(run.exitCode()).isEqualTo(3);
            assertThat(run.errors()).contains("was taken for DROP TABLE", "backstop recover");
        });
        assertThat(undo("grp_0000000000000000").errors()).contains("there is no change grp_0000000000000000");
    }
}
