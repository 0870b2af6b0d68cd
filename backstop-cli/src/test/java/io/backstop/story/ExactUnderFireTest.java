package io.backstop.story;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.PGConnection;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/**
 * While four others insert, update and delete as fast as they can, a table is destroyed again and again through the
 * guarded driver, at every isolation level and at every place in a transaction. Whatever a destruction took is in its
 * snapshot, in the last version that was committed, and nothing else is. The truth to compare with is the writers' own
 * journal: each change goes into it in the transaction that makes it.
 */
@ExtendWith(PostgresExtension.class)
class ExactUnderFireTest {
    /** Every combination once; {@code -Dbackstop.test.rounds=200} for longer. */
    private static final int ROUNDS = Integer.getInteger("backstop.test.rounds", 40);

    private static final int WRITERS = 4;

    private static final String CREATE = "CREATE TABLE ledger (id bigint PRIMARY KEY, version int, payload text)";

    /** The last version of every row that no writer deleted and that is not there any more. */
    private static final String DESTROYED = """
            SELECT id, version, payload FROM (SELECT DISTINCT ON (id) * FROM journal ORDER BY id, version DESC) AS last
            WHERE NOT gone AND NOT EXISTS (SELECT FROM ledger WHERE ledger.id = last.id)""";

    @TempDir
    private Path folder;

    enum Destroyer {
        TRUNCATE("TRUNCATE ledger", "true"),
        DROP("DROP TABLE ledger", "true"),
        DELETE("DELETE FROM ledger", "true"),
        DELETE_SOME("DELETE FROM ledger WHERE id % 3 = 0", "id % 3 = 0");

        private final String sql;
        private final String taken;

        Destroyer(String sql, String taken) {
            this.sql = sql;
            this.taken = taken;
        }

        boolean byRow() {
            return this == DELETE || this == DELETE_SOME;
        }
    }

    enum Level {
        READ_COMMITTED(Connection.TRANSACTION_READ_COMMITTED),
        REPEATABLE_READ(Connection.TRANSACTION_REPEATABLE_READ),
        SERIALIZABLE(Connection.TRANSACTION_SERIALIZABLE);

        private final int number;

        Level(int number) {
            this.number = number;
        }
    }

    enum Place {
        BY_ITSELF,
        FIRST,
        AFTER_A_READ
    }

    /**
     * What one round does.
     *
     * @param settled whether the writers only insert meanwhile, so that no row changes which an older snapshot sees
     */
    record Round(int number, Destroyer destroyer, Level level, Place place, boolean settled) {
        /** Every combination once, and again, until there are enough. */
        static List<Round> list(int length) {
            List<Round> rounds = new ArrayList<>();
            while (rounds.size() < length) {
                for (Place place : Place.values()) {
                    for (Level level : Level.values()) {
                        for (Destroyer destroyer : Destroyer.values()) {
                            Round round = new Round(rounds.size(), destroyer, level, place, false);
                            rounds.add(round);
                            if (round.seesThePast() && destroyer.byRow()) {
                                rounds.add(new Round(rounds.size(), destroyer, level, place, true));
                            }
                        }
                    }
                }
            }
            return rounds.subList(0, length);
        }

        boolean seesThePast() {
            return place == Place.AFTER_A_READ && level != Level.READ_COMMITTED;
        }

        boolean refused() {
            return seesThePast() && !destroyer.byRow();
        }
    }

    @Test
    void what_is_stored_is_what_is_destroyed(TestDatabase database) throws Exception {
        database.run(
                CREATE,
                "CREATE SEQUENCE ids",
                "CREATE TABLE journal (id bigint, version int, payload text, gone boolean, PRIMARY KEY (id, version))",
                "CREATE TABLE stored (round int, id bigint, version int, payload text)");
        Map<String, Integer> outcomes = new TreeMap<>();
        List<LedgerWriter> writers = new ArrayList<>();
        for (int i = 0; i < WRITERS; i++) {
            writers.add(LedgerWriter.start(database, i % 2 == 0));
        }
        try (ObjectStore store = ObjectStores.open(storage())) {
            for (Round round : Round.list(ROUNDS)) {
                String outcome = destroy(database, round, writers, new SnapshotArchive(store));
                outcomes.merge(round.destroyer() + " " + round.place() + " " + outcome, 1, Integer::sum);
            }
        } finally {
            for (LedgerWriter writer : writers) {
                writer.stop();
            }
        }
        System.getLogger(ExactUnderFireTest.class.getName())
                .log(
                        System.Logger.Level.INFO,
                        ROUNDS + " rounds: " + outcomes + ", rows destroyed: "
                                + database.value("SELECT count(*) FROM (" + DESTROYED + ") AS d"));
        String stored = "SELECT id, version, payload FROM stored";
        assertThat(database.rows(DESTROYED + " EXCEPT ALL " + stored))
                .as("destroyed, but not stored as it was")
                .isEmpty();
        assertThat(database.rows(stored + " EXCEPT ALL (" + DESTROYED + ")"))
                .as("stored, but not destroyed")
                .isEmpty();
    }

    private String storage() {
        return folder.resolve("snapshots").toUri().toString();
    }

    private String url(TestDatabase database) throws IOException {
        Path policy = folder.resolve("policy.json");
        Files.writeString(policy, "{\"require_approval_for_risks\": [], \"protected_tables\": [\"ledger\"]}");
        return database.backstopUrl("backstop.agentId=agent&backstop.control=" + folder.resolve("backstop.db")
                + "&backstop.storage=" + storage() + "&backstop.policy=" + policy);
    }

    private String destroy(TestDatabase database, Round round, List<LedgerWriter> writers, SnapshotArchive archive)
            throws Exception {
        Set<String> before = ids(archive);
        for (LedgerWriter writer : writers) {
            writer.onlyInsert(round.settled());
        }
        awaitCommits(writers, 8);
        Throwable failure;
        try (Connection agent = DriverManager.getConnection(url(database));
                Statement statement = agent.createStatement()) {
            agent.setTransactionIsolation(round.level().number);
            agent.setAutoCommit(round.place() == Place.BY_ITSELF);
            if (round.place() == Place.AFTER_A_READ) {
                statement.execute("SELECT count(*) FROM ledger");
                awaitCommits(writers, 3);
            }
            failure = catchThrowable(() -> statement.execute(round.destroyer().sql));
            if (failure instanceof RecoveryNotReadyException) {
                statement.execute("SELECT count(*) FROM ledger"); // the transaction goes on
            }
            if (!agent.getAutoCommit()) {
                end(agent, failure);
            }
        }
        check(round, failure);
        if (failure != null) {
            return String.valueOf(((SQLException) failure).getSQLState());
        }
        load(database, round, archive, before);
        if (round.destroyer() == Destroyer.DROP) {
            database.run(CREATE);
        }
        return "executed";
    }

    /** What the server refused has failed the transaction; what Backstop refused has not. */
    private static void end(Connection agent, Throwable failure) throws SQLException {
        if (failure == null || failure instanceof RecoveryNotReadyException) {
            agent.commit();
        } else {
            agent.rollback();
        }
    }

    private static void check(Round round, Throwable failure) {
        if (round.refused()) {
            assertThat(failure)
                    .as(round.toString())
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageContaining("had begun before");
        } else if (round.seesThePast() && !round.settled() && failure != null) {
            assertThat(failure)
                    .as(round.toString())
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("40001"));
        } else {
            assertThat(failure).as(round.toString()).isNull();
        }
    }

    private static void awaitCommits(List<LedgerWriter> writers, int number) throws InterruptedException {
        for (LedgerWriter writer : writers) {
            writer.awaitCommits(number);
        }
    }

    private static Set<String> ids(SnapshotArchive archive) throws IOException {
        return archive.list("public", "ledger").stream()
                .map(SnapshotManifest::snapshotId)
                .collect(Collectors.toSet());
    }

    /** Puts what the round's snapshot holds of the rows that the statement takes into the table of stored rows. */
    private static void load(TestDatabase database, Round round, SnapshotArchive archive, Set<String> before)
            throws IOException, SQLException {
        List<SnapshotManifest> added = archive.list("public", "ledger").stream()
                .filter(manifest -> !before.contains(manifest.snapshotId()))
                .toList();
        assertThat(added).as(round.toString()).hasSize(1);
        SnapshotManifest manifest = added.get(0);
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TEMPORARY TABLE chunks (id bigint, version int, payload text)");
            for (SnapshotManifest.Chunk chunk : manifest.chunks()) {
                try (InputStream rows = archive.rows(manifest, chunk)) {
                    connection
                            .unwrap(PGConnection.class)
                            .getCopyAPI()
                            .copyIn("COPY chunks FROM STDIN (FORMAT " + manifest.copyFormat() + ")", rows);
                }
            }
            statement.execute(
                    "INSERT INTO stored SELECT " + round.number() + ", * FROM chunks WHERE " + round.destroyer().taken);
            try (ResultSet rows = statement.executeQuery("SELECT count(*) FROM chunks")) {
                rows.next();
                assertThat(rows.getLong(1)).as(round.toString()).isEqualTo(manifest.rowCount());
            }
        }
    }
}
