package io.backstop.story;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
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

/**
 * While four others insert, update and delete, some of their rows are deleted and overwritten through the guarded driver.
 * What was saved one by one is what the statement says it took, row by row and version by version, and all that ever went
 * missing from the table, by the writers' own journal, was saved.
 */
@ExtendWith(PostgresExtension.class)
class RowsUnderFireTest {
    /** {@code -Dbackstop.test.rounds=200} for longer. */
    private static final int ROUNDS = Integer.getInteger("backstop.test.rounds", 20);

    private static final int WRITERS = 4;

    /** Some meet new rows all the time, some now and then, and some find their rows changed. */
    private static final List<String> STATEMENTS = List.of(
            "DELETE FROM ledger WHERE id % 40 = 7",
            "DELETE FROM ledger WHERE id % 40 = 8 AND version > 1",
            "UPDATE ledger SET payload = 'overwritten' WHERE id % 40 = 9",
            "DELETE FROM ledger WHERE id IN (SELECT id FROM ledger ORDER BY id LIMIT 5)",
            "UPDATE ledger SET payload = 'overwritten' WHERE id < (SELECT min(id) + 10 FROM ledger)",
            "DELETE FROM ledger USING journal WHERE journal.id = ledger.id AND journal.version = 2 AND ledger.id % 30 = 1");

    @TempDir
    private Path folder;

    @Test
    void what_is_stored_row_by_row_is_what_is_taken(TestDatabase database) throws Exception {
        database.run(
                "CREATE TABLE ledger (id bigint PRIMARY KEY, version int, payload text)",
                "CREATE SEQUENCE ids",
                "CREATE TABLE journal (id bigint, version int, payload text, gone boolean, PRIMARY KEY (id, version))",
                "CREATE TABLE deleted (id bigint, version int)");
        Map<String, Integer> outcomes = new TreeMap<>();
        List<LedgerWriter> writers = new ArrayList<>();
        for (int i = 0; i < WRITERS; i++) {
            writers.add(LedgerWriter.start(database, i % 2 == 0));
        }
        try (ObjectStore store = ObjectStores.open(storage())) {
            for (int round = 0; round < ROUNDS; round++) {
                for (LedgerWriter writer : writers) {
                    writer.awaitCommits(8);
                }
                String sql = STATEMENTS.get(round % STATEMENTS.size());
                outcomes.merge(take(database, sql, round % 4 < 2, new SnapshotArchive(store)), 1, Integer::sum);
            }
        } finally {
            for (LedgerWriter writer : writers) {
                writer.stop();
            }
        }
        System.getLogger(RowsUnderFireTest.class.getName())
                .log(System.Logger.Level.INFO, ROUNDS + " rounds: " + outcomes);
        assertThat(outcomes).containsKey("ROWS");
        String missing = """
                SELECT id, version FROM (SELECT DISTINCT ON (id) * FROM journal ORDER BY id, version DESC) AS last
                WHERE NOT gone AND NOT EXISTS (SELECT FROM ledger WHERE ledger.id = last.id)""";
        assertThat(database.rows("(" + missing + ") EXCEPT ALL SELECT * FROM deleted"))
                .isEmpty();
        assertThat(database.rows("SELECT * FROM deleted EXCEPT ALL (" + missing + ")"))
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

    /** How its rows were saved. */
    private String take(TestDatabase database, String sql, boolean autoCommit, SnapshotArchive archive)
            throws Exception {
        Set<String> before = archive.list("public", "ledger").stream()
                .map(SnapshotManifest::snapshotId)
                .collect(Collectors.toSet());
        List<String> taken = new ArrayList<>();
        try (Connection agent = DriverManager.getConnection(url(database));
                Statement statement = agent.createStatement()) {
            agent.setAutoCommit(autoCommit);
            statement.execute("SELECT count(*) FROM ledger");
            boolean update = sql.startsWith("UPDATE");
            try (ResultSet rows = statement.executeQuery(
                    sql + " RETURNING ledger.id, ledger.version" + (update ? "" : ", ledger.payload"))) {
                while (rows.next()) {
                    taken.add(rows.getLong(1) + "|" + rows.getInt(2) + (update ? "" : "|" + rows.getString(3)));
                }
            }
            if (!autoCommit) {
                agent.commit();
            }
        }
        if (sql.startsWith("DELETE")) {
            for (String row : taken) {
                String key = row.substring(0, row.lastIndexOf('|')).replace('|', ',');
                database.run("INSERT INTO deleted VALUES (" + key + ")");
            }
        }
        List<SnapshotManifest> added = archive.list("public", "ledger").stream()
                .filter(manifest -> !before.contains(manifest.snapshotId()))
                .toList();
        if (taken.isEmpty() && added.isEmpty()) {
            return "NOTHING";
        }
        assertThat(added).as(sql).hasSize(1);
        List<String> stored = stored(database, archive, added.get(0), sql.startsWith("UPDATE"));
        if (added.get(0).coverage() == Coverage.ROWS) {
            assertThat(stored).as(sql).containsExactlyInAnyOrderElementsOf(taken);
        } else {
            assertThat(stored).as(sql).containsAll(taken);
        }
        return added.get(0).coverage().name();
    }

    /** For an UPDATE without the payload, which it does not return as it was; the version tells which it is. */
    private static List<String> stored(
            TestDatabase database, SnapshotArchive archive, SnapshotManifest manifest, boolean update)
            throws IOException, SQLException {
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
            List<String> stored = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery("SELECT id, version, payload FROM chunks")) {
                while (rows.next()) {
                    stored.add(rows.getLong(1) + "|" + rows.getInt(2) + (update ? "" : "|" + rows.getString(3)));
                }
            }
            try (ResultSet wrong = statement.executeQuery("SELECT count(*) FROM chunks JOIN journal USING (id, version)"
                    + " WHERE chunks.payload NOT IN (journal.payload, 'overwritten')")) {
                wrong.next();
                assertThat(wrong.getLong(1)).as("as the journal has them").isZero();
            }
            return stored;
        }
    }
}
