package io.backstop.story;

import io.backstop.api.policy.Policy;
import io.backstop.jdbc.Backstop;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

/** The program that is given little memory: sends a statement through the guard, and says how that went. */
final class LargeRowSite {
    private LargeRowSite() {}

    /** Arguments: pgjdbc URL, storage, control store, statement. */
    public static void main(String[] arguments) throws SQLException {
        try (Backstop backstop = Backstop.builder()
                        .policy(Policy.application())
                        .storage(arguments[1])
                        .control(Path.of(arguments[2]))
                        .build();
                Connection connection = backstop.guard(DriverManager.getConnection(arguments[0]));
                Statement statement = connection.createStatement()) {
            System.out.println(GuardedStory.outcome(statement, arguments[3]));
        }
    }
}
