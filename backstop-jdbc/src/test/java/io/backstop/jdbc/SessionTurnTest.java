package io.backstop.jdbc;

import io.backstop.api.error.BackstopException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A text is read with the settings that are in force when its turn comes, not with those of the moment when it was sent. */
@Timeout(60)
@ExtendWith(PostgresExtension.class)
class SessionTurnTest {
    /** One string while backslashes escape; two statements as soon as they do not. */
    private static final String TWO_FACED = "SELECT '\\'; DELETE FROM users; --'";

    @TempDir
    private Path folder;

    @Test
    void a_setting_that_another_thread_changes_meanwhile_counts(TestDatabase database) throws Exception {
        database.run(
                "DROP TABLE IF EXISTS users",
                "CREATE TABLE users (id int PRIMARY KEY)",
                "INSERT INTO users VALUES (1), (2)");
        ExecutorService threads = Executors.newCachedThreadPool();
        try (Backstop backstop = Backstop.builder()
                        .control(folder.resolve("backstop.db"))
                        .build();
                Connection connection = backstop.guard(database.connect());
                Connection holder = database.connect();
                Statement lock = holder.createStatement();
                Statement first = connection.createStatement();
                Statement second = connection.createStatement()) {
            lock.execute("SELECT pg_advisory_lock(4711)");
            first.execute("SET standard_conforming_strings = off");
            second.execute(TWO_FACED);
            Future<Boolean> changing = threads.submit(
                    () -> first.execute("SELECT pg_advisory_lock(4711); SET standard_conforming_strings = on"));
            awaitWaitingForLock(database, changing);
            Thread[] sender = new Thread[1];
            Future<Boolean> sending = threads.submit(() -> {
                sender[0] = Thread.currentThread();
                return second.execute(TWO_FACED);
            });
            while (!sending.isDone() && (sender[0] == null || sender[0].getState() != Thread.State.WAITING)) {
                Thread.onSpinWait();
            }
            lock.execute("SELECT pg_advisory_unlock(4711)");
            changing.get();
            assertThatThrownBy(sending::get)
                    .isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(BackstopException.class);
            assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("2");
        } finally {
            threads.shutdownNow();
        }
    }

    private static void awaitWaitingForLock(TestDatabase database, Future<?> waiting) throws SQLException {
        while (!waiting.isDone()
                && !database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
                        .equals("1")) {
            Thread.onSpinWait();
        }
    }
}
