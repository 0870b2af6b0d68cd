package io.backstop.jdbc;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.testing.TestDatabase;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * A process whose connections send one statement at once. Prints a line when they are open, waits for one, and prints how
 * often it ran.
 */
final class ApprovalRacer {
    private static final int RACERS = 25;

    private ApprovalRacer() {}

    /** @param arguments the database's URL, the control store, the statement */
    public static void main(String[] arguments) throws Exception {
        TestDatabase database = new TestDatabase(arguments[0]);
        ExecutorService threads = Executors.newFixedThreadPool(RACERS);
        CyclicBarrier start = new CyclicBarrier(RACERS);
        try (Backstop backstop = Backstop.builder()
                .control(Path.of(arguments[1]))
                .agentId("agent")
                .build()) {
            List<Connection> connections = new ArrayList<>();
            for (int i = 0; i < RACERS; i++) {
                connections.add(backstop.guard(database.connect()));
            }
            System.out.println("ready");
            System.in.read();
            List<Future<Integer>> runs = new ArrayList<>();
            for (Connection connection : connections) {
                runs.add(threads.submit(() -> {
                    start.await();
                    return run(connection, arguments[2]);
                }));
            }
            int executed = 0;
            for (Future<Integer> run : runs) {
                executed += run.get();
            }
            for (Connection connection : connections) {
                connection.close();
            }
            System.out.println(executed);
        } finally {
            threads.shutdownNow();
        }
    }

    private static int run(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
            return 1;
        } catch (ApprovalRequiredException e) {
            return 0;
        }
    }
}
