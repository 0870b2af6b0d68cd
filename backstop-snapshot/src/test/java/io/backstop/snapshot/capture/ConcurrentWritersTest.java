package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.store.MemoryObjectStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;

import static io.backstop.snapshot.capture.Securing.plain;
import static org.assertj.core.api.Assertions.assertThat;

/**
 * While others write as fast as they can, the rows that are stored are the rows that the statement takes. Every writer
 * keeps its own record of what was committed: the truth to compare with.
 */
@ExtendWith(PostgresExtension.class)
class ConcurrentWritersTest {
    private static final int WRITERS = 4;
    private static final int ROUNDS = 5;

    /** Commits by each writer before the statement comes. */
    private static final int HEAD_START = 30;

    enum Destroyer {
        TRUNCATE(Kind.TRUNCATE, "TRUNCATE ledger"),
        DELETE(Kind.DELETE, "DELETE FROM ledger"),
        DROP(Kind.DROP_TABLE, "DROP TABLE ledger");

        private final Kind kind;
        private final String sql;

        Destroyer(Kind kind, String sql) {
            this.kind = kind;
            this.sql = sql;
        }
    }

    @ParameterizedTest
    @EnumSource
    void what_is_stored_is_what_is_destroyed(Destroyer destroyer, TestDatabase database) throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            database.run("DROP TABLE IF EXISTS ledger", "CREATE TABLE ledger (entry text PRIMARY KEY)");
            AtomicBoolean done = new AtomicBoolean();
            CountDownLatch warm = new CountDownLatch(WRITERS);
            ExecutorService threads = Executors.newFixedThreadPool(WRITERS);
            List<Future<List<String>>> writers = new ArrayList<>();
            for (int writer = 0; writer < WRITERS; writer++) {
                String name = "w" + writer;
                Callable<List<String>> work = () -> write(database, name, warm, done);
                writers.add(threads.submit(work));
            }
            Securing securing = new Securing(new MemoryObjectStore());
            SecuredRows secured;
            try (Connection connection = Securing.begin(database)) {
                warm.await();
                secured = securing.secure(connection, plain(destroyer.kind, "ledger"));
                Securing.run(connection, destroyer.sql);
                secured.confirmNothingElseWasDestroyed();
                connection.commit();
            } finally {
                done.set(true);
                threads.shutdown();
            }
            SnapshotManifest manifest = Securing.only(secured);
            List<String> stored = securing.rows(database, manifest);
            Set<String> committed = new HashSet<>();
            for (Future<List<String>> writer : writers) {
                committed.addAll(writer.get());
            }
            Set<String> left =
                    destroyer == Destroyer.DROP ? Set.of() : new HashSet<>(database.rows("SELECT entry FROM ledger"));
            assertThat(stored).hasSizeGreaterThanOrEqualTo(WRITERS * HEAD_START).doesNotHaveDuplicates();
            assertThat(left).doesNotContainAnyElementsOf(stored);
            Set<String> accounted = new HashSet<>(stored);
            accounted.addAll(left);
            assertThat(accounted).isEqualTo(committed);
        }
    }

    /** Reads before it writes, as those do that deadlock with a lock that is taken in two steps. */
    private static List<String> write(TestDatabase database, String name, CountDownLatch warm, AtomicBoolean done)
            throws SQLException {
        List<String> committed = new ArrayList<>();
        try (Connection connection = Securing.begin(database)) {
            for (int i = 0; !done.get(); i++) {
                String entry = name + "-" + i;
                try {
                    Securing.value(connection, "SELECT count(*) FROM ledger WHERE entry = '" + entry + "'");
                    Securing.run(connection, "INSERT INTO ledger VALUES ('" + entry + "')");
                    connection.commit();
                } catch (SQLException e) {
                    connection.rollback();
                    if ("42P01".equals(e.getSQLState())) {
                        break; // dropped
                    }
                    throw e;
                }
                committed.add(entry);
                if (i == HEAD_START) {
                    warm.countDown();
                }
            }
        }
        return committed;
    }
}
