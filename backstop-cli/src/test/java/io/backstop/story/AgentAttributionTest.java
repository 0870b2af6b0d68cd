package io.backstop.story;

import io.backstop.jdbc.Backstop;
import io.backstop.jdbc.control.SqlControlStore;
import org.junit.jupiter.api.Test;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

import static org.assertj.core.api.Assertions.assertThat;

/** Whoever executes a statement is its agent, whichever agent opened the connection or prepared it, in whichever thread. */
class AgentAttributionTest extends GuardedStory {
    private List<String> agents(String sql) throws SQLException {
        try (SqlControlStore store = SqlControlStore.sqlite(control(), Clock.systemUTC())) {
            return store.audit().newest(100).stream()
                    .map(record -> record.event())
                    .filter(event -> event.sql().equals(sql))
                    .map(event -> event.agentId())
                    .distinct()
                    .toList();
        }
    }

    private static void update(PreparedStatement statement, int id) throws SQLException {
        statement.setInt(1, id);
        statement.executeUpdate();
    }

    @Test
    void a_statement_belongs_to_the_agent_that_executes_it() throws Exception {
        ExecutorService threads = Executors.newSingleThreadExecutor();
        try (Backstop backstop = backstop("");
                Connection connection = Backstop.asAgent("opener", () -> backstop.guard(database.connect()))) {
            try (PreparedStatement prepared = Backstop.asAgent(
                    "preparer", () -> connection.prepareStatement("UPDATE t SET k = 1 WHERE id = ?"))) {
                Backstop.asAgent("executor", () -> {
                    update(prepared, 1);
                    return null;
                });
            }
            try (PreparedStatement prepared = Backstop.asAgent(
                    "preparer", () -> connection.prepareStatement("UPDATE t SET k = 2 WHERE id = ?"))) {
                Backstop.asAgent("preparer", () -> {
                    prepared.setInt(1, 2);
                    prepared.addBatch();
                    return null;
                });
                Backstop.asAgent("executor", () -> prepared.executeBatch());
            }
            try (Statement statement = connection.createStatement()) {
                Backstop.asAgent("outer", () -> {
                    Backstop.asAgent("inner", () -> statement.executeUpdate("UPDATE t SET k = 3 WHERE id = 3"));
                    statement.executeUpdate("UPDATE t SET k = 4 WHERE id = 4");
                    threads.submit(() -> statement.executeUpdate("UPDATE t SET k = 5 WHERE id = 5"))
                            .get();
                    threads.submit(() -> Backstop.asAgent(
                                    "worker", () -> statement.executeUpdate("UPDATE t SET k = 6 WHERE id = 6")))
                            .get();
                    threads.submit(() -> statement.executeUpdate("UPDATE t SET k = 7 WHERE id = 7"))
                            .get();
                    try {
                        Backstop.asAgent("thrower", () -> {
                            throw new IllegalStateException("as it may");
                        });
                    } catch (IllegalStateException e) {
                        assertThat(e).hasMessage("as it may");
                    }
                    return statement.executeUpdate("UPDATE t SET k = 8 WHERE id = 8");
                });
            }
        } finally {
            threads.shutdown();
        }
        assertThat(agents("UPDATE t SET k = 1 WHERE id = ?")).containsExactly("executor");
        assertThat(agents("UPDATE t SET k = 2 WHERE id = ?")).containsExactly("executor");
        assertThat(agents("UPDATE t SET k = 3 WHERE id = 3")).containsExactly("inner");
        assertThat(agents("UPDATE t SET k = 4 WHERE id = 4")).containsExactly("outer");
        assertThat(agents("UPDATE t SET k = 5 WHERE id = 5")).containsExactly("unknown");
        assertThat(agents("UPDATE t SET k = 6 WHERE id = 6")).containsExactly("worker");
        assertThat(agents("UPDATE t SET k = 7 WHERE id = 7")).containsExactly("unknown");
        assertThat(agents("UPDATE t SET k = 8 WHERE id = 8")).containsExactly("outer");
    }
}
