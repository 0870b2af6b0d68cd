package io.backstop.jdbc;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.testing.TestDatabase;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * A process whose connections send one statement at once, for each line that it reads by the JDBC method of that name. Prints a
 * line when they are open, and for each round how many of them were not held.
 */
final class ApprovalRacer {
    private static final int RACERS = 25;

    private ApprovalRacer() {}

    /** @param arguments the database's URL, the control store */
    public static void main(String[] arguments) throws Exception {
        TestDatabase database = new TestDatabase(arguments[0]);
        ExecutorService threads = Executors.newFixedThreadPool(RACERS);
        CyclicBarrier start = new CyclicBarrier(RACERS);
        try (Backstop backstop = Backstop.builder()
                        .control(arguments[1])
                        .agentId("agent")
                        .build();
                BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            List<Connection> connections = new ArrayList<>();
            for (int i = 0; i < RACERS; i++) {
                connections.add(backstop.guard(database.connect()));
            }
            System.out.println("ready");
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                ApprovalOnceTest.Method method = ApprovalOnceTest.Method.valueOf(line);
                List<Future<Boolean>> runs = new ArrayList<>();
                for (Connection connection : connections) {
                    runs.add(threads.submit(() -> {
                        start.await();
                        return ran(connection, method);
                    }));
                }
                int ran = 0;
                for (Future<Boolean> run : runs) {
                    ran += run.get() ? 1 : 0;
                }
                System.out.println(ran);
            }
            for (Connection connection : connections) {
                connection.close();
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private static boolean ran(Connection connection, ApprovalOnceTest.Method method) {
        try {
            method.send(connection);
            return true;
        } catch (ApprovalRequiredException e) {
            return false;
        } catch (ControlStoreUnavailableException e) {
            return false; // others had the store for longer than it waits; the table tells whether it ran
        } catch (SQLException e) {
            return true; // the server ran it, and the driver cannot take what it answered
        }
    }
}
