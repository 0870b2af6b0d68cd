package io.backstop.story;

import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;

/** Statements that are undone by the name that the driver tells. */
abstract class UndoneStory extends GuardedStory {
    final Optional<String> change(Backstop backstop, String sql) throws SQLException {
        try (Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
            return Backstop.lastChange(connection);
        }
    }

    final CommandRun undo(String id) {
        return command("undo", id, "--control", control().toString(), "--as", "olga");
    }

    final void undoIt(String id) {
        CommandRun run = undo(id);
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
    }
}
