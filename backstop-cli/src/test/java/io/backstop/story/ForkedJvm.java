package io.backstop.story;

import io.backstop.testing.TestDatabase;

import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Another process with this one's class path, which can be killed. */
final class ForkedJvm {
    private ForkedJvm() {}

    /** Its error output is this process's. */
    static Process start(Class<?> program, String... arguments) throws IOException {
        return startWith(List.of("-XX:TieredStopAtLevel=1"), program, arguments);
    }

    /** @param options of the JVM */
    static Process startWith(List<String> options, Class<?> program, String... arguments) throws IOException {
        List<String> command =
                new ArrayList<>(List.of(ProcessHandle.current().info().command().orElseThrow(), "-Xshare:auto"));
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    /** The server rolls back when it notices that the client is gone; until then the lock may be held. */
    static void awaitSessionsEnd(TestDatabase database) throws SQLException {
        String others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                + " AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
        while (!database.value(others).equals("0")) {
            Thread.onSpinWait();
        }
    }
}
