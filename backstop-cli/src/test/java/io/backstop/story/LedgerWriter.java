package io.backstop.story;

import io.backstop.testing.TestDatabase;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;

/** Changes rows of the ledger until it is stopped, and writes down every change in the transaction that makes it. */
final class LedgerWriter implements Runnable {
    private static final String INSERT = """
            WITH changed AS (INSERT INTO ledger
                SELECT nextval('ids'), 1, md5(random()::text) FROM generate_series(1, 3) RETURNING *)
            INSERT INTO journal SELECT id, version, payload, false FROM changed""";

    private static final String ANY = "(SELECT id FROM ledger ORDER BY random() LIMIT 1)";

    private static final String UPDATE = "WITH changed AS (UPDATE ledger SET version = version + 1, "
            + "payload = md5(random()::text) WHERE id = " + ANY + " RETURNING *) "
            + "INSERT INTO journal SELECT id, version, payload, false FROM changed";

    private static final String DELETE = "WITH changed AS (DELETE FROM ledger WHERE id = " + ANY + " RETURNING *) "
            + "INSERT INTO journal SELECT id, version + 1, payload, true FROM changed";

    private final TestDatabase database;
    private final boolean readsFirst;
    private final Random random = new Random(1);
    private final Semaphore commits = new Semaphore(0);
    private volatile boolean stopped;
    private volatile boolean onlyInserts;
    private CompletableFuture<Void> work = CompletableFuture.completedFuture(null);

    private LedgerWriter(TestDatabase database, boolean readsFirst) {
        this.database = database;
        this.readsFirst = readsFirst;
    }

    /** @param readsFirst whether it reads the table before it writes, in the same transaction */
    static LedgerWriter start(TestDatabase database, boolean readsFirst) {
        LedgerWriter writer = new LedgerWriter(database, readsFirst);
        Thread thread = new Thread(() -> {
            try {
                writer.run();
                writer.work.complete(null);
            } catch (RuntimeException e) {
                writer.work.completeExceptionally(e);
            } finally {
                writer.commits.release(Integer.MAX_VALUE / 2); // nobody waits for one that has ended
            }
        });
        writer.work = new CompletableFuture<>();
        thread.start();
        return writer;
    }

    void onlyInsert(boolean only) {
        onlyInserts = only;
    }

    /** Waits until it has committed so many more transactions; fails where it has failed. */
    void awaitCommits(int number) throws InterruptedException {
        commits.drainPermits();
        if (!work.isDone()) {
            commits.acquire(number);
        }
        if (work.isDone()) {
            work.join();
        }
    }

    /** Ends it, and fails where it failed. */
    void stop() {
        stopped = true;
        work.join();
    }

    @Override
    public void run() {
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            while (!stopped) {
                write(connection, statement);
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private void write(Connection connection, Statement statement) throws SQLException {
        int kind = onlyInserts ? 0 : random.nextInt(4);
        try {
            if (readsFirst) {
                statement.execute("SELECT count(*) FROM ledger WHERE version > 1");
            }
            statement.execute(kind < 2 ? INSERT : kind == 2 ? UPDATE : DELETE);
            connection.commit();
            commits.release();
        } catch (SQLException e) {
            connection.rollback();
            if (!"42P01".equals(e.getSQLState())) {
                throw e; // all but the table being away for a moment
            }
        }
    }
}
