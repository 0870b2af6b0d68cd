package io.backstop.story;

import io.backstop.api.policy.Policy;
import io.backstop.api.snapshot.Progress;
import io.backstop.jdbc.Backstop;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * The program that the crash test forks: destroys through the guard, and dies without a word when it has come to the given
 * step.
 */
final class CrashSite {
    /** How it ends when it dies at its step: as if killed with SIGKILL. */
    static final int KILLED = 137;

    private CrashSite() {}

    /** Arguments: pgjdbc URL, storage, control store, step to die at, statement. */
    public static void main(String[] arguments) throws SQLException {
        Progress.Step last = Progress.Step.valueOf(arguments[3]);
        Progress dying = (step, subject, done, total) -> {
            if (step == last) {
                Runtime.getRuntime().halt(KILLED); // no shutdown hooks, no finally blocks
            }
        };
        try (Backstop backstop = Backstop.builder()
                        .policy(Policy.application())
                        .storage(arguments[1])
                        .control(Path.of(arguments[2]))
                        .progress(dying)
                        .build();
                Connection connection = backstop.guard(DriverManager.getConnection(arguments[0]));
                Statement statement = connection.createStatement()) {
            statement.execute(arguments[4]);
        }
    }
}
