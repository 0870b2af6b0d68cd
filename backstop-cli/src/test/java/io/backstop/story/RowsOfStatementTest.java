package io.backstop.story;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.key.KeyFile;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

import static org.assertj.core.api.Assertions.assertThat;

/** Which rows a statement made is known afterwards, wherever in a transaction it ran. */
@ExtendWith(PostgresExtension.class)
class RowsOfStatementTest {
    /** More than half of the rows, which are saved one by one. */
    private static final String OF_PART = "UPDATE t SET v = 0 WHERE id <= 8";

    private static final String OF_ALL = "UPDATE t SET v = 0";

    @TempDir
    private Path folder;

    private final TestDatabase database;

    RowsOfStatementTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void fill() throws SQLException {
        database.run(
                "DROP TABLE IF EXISTS t, other CASCADE",
                "CREATE TABLE t (id int PRIMARY KEY, v int)",
                "CREATE TABLE other (id int)",
                "INSERT INTO t SELECT i, i FROM generate_series(1, 10) i");
    }

    private String storage() {
        return folder.resolve("snapshots").toUri().toString();
    }

    private Connection guarded(String... more) throws SQLException {
        return DriverManager.getConnection(database.backstopUrl("backstop.agentId=agent&backstop.policy=application"
                + "&backstop.control=" + folder.resolve("backstop.db") + "&backstop.storage=" + storage()
                + String.join("", more)));
    }

    private static void run(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    /** The xmin of the rows that meet a condition. */
    private Set<String> made(String condition) throws SQLException {
        Set<String> made = new TreeSet<>();
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT DISTINCT xmin::text FROM t WHERE " + condition)) {
            while (rows.next()) {
                made.add(rows.getString(1));
            }
        }
        return made;
    }

    private Set<String> known() throws IOException {
        return known(Optional.empty());
    }

    /** By the newest snapshot of the table. */
    private Set<String> known(Optional<KeyProvider> key) throws IOException {
        try (ObjectStore store = ObjectStores.open(storage())) {
            SnapshotArchive archive = new SnapshotArchive(store, key);
            SnapshotManifest newest = archive.list("public", "t").get(0);
            return archive.mark(newest).rowsTransactionIds();
        }
    }

    private void assertKnown(String statementsRows, String others) throws Exception {
        assertThat(made(statementsRows)).isNotEmpty();
        assertThat(known()).containsAll(made(statementsRows));
        assertThat(made(others)).isNotEmpty().doesNotContainAnyElementsOf(known());
    }

    @ParameterizedTest
    @ValueSource(strings = {OF_PART, OF_ALL})
    void in_auto_commit(String update) throws Exception {
        try (Connection connection = guarded()) {
            run(connection, update);
        }
        database.run("UPDATE t SET v = 7 WHERE id = 1");
        assertKnown("v = 0", "v <> 0");
    }

    @ParameterizedTest
    @ValueSource(strings = {OF_PART, OF_ALL})
    void first_in_a_transaction(String update) throws Exception {
        try (Connection connection = guarded()) {
            connection.setAutoCommit(false);
            run(connection, update);
            connection.commit();
        }
        database.run("UPDATE t SET v = 7 WHERE id = 1");
        assertKnown("v = 0", "v <> 0");
    }

    @ParameterizedTest
    @ValueSource(strings = {OF_PART, OF_ALL})
    void first_in_a_transaction_that_writes_more(String update) throws Exception {
        try (Connection connection = guarded()) {
            connection.setAutoCommit(false);
            run(connection, update, "UPDATE t SET v = 7 WHERE id = 1", "INSERT INTO t VALUES (12, 12)");
            connection.commit();
        }
        assertKnown("v = 0", "id IN (1, 12)");
    }

    @ParameterizedTest
    @ValueSource(strings = {OF_PART, OF_ALL})
    void after_other_writes_of_its_transaction_and_before_more(String update) throws Exception {
        try (Connection connection = guarded()) {
            connection.setAutoCommit(false);
            run(
                    connection,
                    "INSERT INTO t VALUES (11, 11)",
                    update,
                    "UPDATE t SET v = 7 WHERE id = 1",
                    "INSERT INTO t VALUES (12, 12)");
            connection.commit();
        }
        assertKnown("v = 0", "id IN (1, 12)");
    }

    /** The transaction gets its number for the statement, and gives it to the rows of others. */
    @ParameterizedTest
    @ValueSource(strings = {OF_PART, OF_ALL})
    void first_to_write_in_a_transaction_that_has_read(String update) throws Exception {
        try (Connection connection = guarded()) {
            connection.setAutoCommit(false);
            run(connection, "SELECT count(*) FROM t", update, "INSERT INTO t VALUES (12, 12)");
            connection.commit();
        }
        assertKnown("v = 0", "id = 12");
    }

    @ParameterizedTest
    @ValueSource(strings = {OF_PART, OF_ALL})
    void behind_a_savepoint_of_the_callers(String update) throws Exception {
        try (Connection connection = guarded()) {
            connection.setAutoCommit(false);
            run(connection, "INSERT INTO other VALUES (1)", "SAVEPOINT s", "INSERT INTO other VALUES (1)", update);
            run(connection, "UPDATE t SET v = 7 WHERE id = 1", "RELEASE s");
            connection.commit();
        }
        assertKnown("v = 0", "v <> 0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "&preferQueryMode=simple", "&prepareThreshold=1"})
    void where_the_driver_sets_savepoints_of_its_own(String more) throws Exception {
        try (Connection connection = guarded("&autosave=always" + more)) {
            connection.setAutoCommit(false);
            run(connection, "INSERT INTO other VALUES (1)", OF_PART, "UPDATE t SET v = 7 WHERE id = 1");
            connection.commit();
        }
        assertKnown("v = 0", "v <> 0");
    }

    /** pgjdbc may set a savepoint before what it has prepared and what returns rows, so that it can prepare it anew. */
    @Test
    void where_the_statement_returns_rows_and_is_sent_again_and_again() throws Exception {
        try (Connection connection = guarded("&prepareThreshold=1");
                PreparedStatement update =
                        connection.prepareStatement("UPDATE t SET v = 0 WHERE id <= ? RETURNING id")) {
            for (int last = 8; last < 10; last++) {
                update.setInt(1, last);
                update.execute();
                assertKnown("id <= " + last, "id > " + last);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"REPEATABLE READ", "SERIALIZABLE"})
    void at_every_isolation_level(String level) throws Exception {
        for (String before : new String[] {"SELECT 1", "INSERT INTO other VALUES (1)"}) {
            try (Connection connection = guarded()) {
                connection.setAutoCommit(false);
                run(connection, "SET TRANSACTION ISOLATION LEVEL " + level, before, OF_PART);
                connection.commit();
            }
            database.run("UPDATE t SET v = 7 WHERE id = 1");
            assertKnown("v = 0", "v <> 0");
        }
    }

    @Test
    void in_rows_that_a_foreign_key_sets_to_null() throws Exception {
        database.run(
                "CREATE TABLE p (id int PRIMARY KEY)",
                "INSERT INTO p SELECT i FROM generate_series(1, 10) i",
                "ALTER TABLE t ADD FOREIGN KEY (v) REFERENCES p ON DELETE SET NULL");
        try (Connection connection = guarded()) {
            run(connection, "DELETE FROM p WHERE id < 9");
        } finally {
            database.run("DROP TABLE p CASCADE");
        }
        assertKnown("v IS NULL", "v IS NOT NULL");
    }

    @Test
    void under_a_key_only_where_it_is_authenticated() throws Exception {
        Path file = folder.resolve("a.key");
        KeyProvider key = KeyFile.create(file);
        try (Connection connection = guarded("&backstop.key=" + file)) {
            run(connection, OF_PART);
        }
        assertThat(known(Optional.of(key))).isNotEmpty().containsAll(made("v = 0"));
        forge(
                known(Optional.of(key)).iterator().next(),
                made("v <> 0").iterator().next());
        assertThat(known(Optional.of(key))).isEmpty();
    }

    /** Writes the number of somebody else's transaction into the mark. */
    private void forge(String own, String others) throws IOException {
        try (var files = Files.walk(folder.resolve("snapshots"))) {
            Path mark = files.filter(each -> each.endsWith("committed.json"))
                    .findFirst()
                    .orElseThrow();
            String content = Files.readString(mark);
            assertThat(content).contains("\"" + own + "\"");
            Files.writeString(mark, content.replace("\"" + own + "\"", "\"" + others + "\""));
        }
    }

    @Test
    void not_where_the_mark_is_missing_or_unreadable() throws Exception {
        try (Connection connection = guarded()) {
            connection.setAutoCommit(false);
            run(connection, "INSERT INTO other VALUES (1)", OF_PART);
            connection.commit();
        }
        assertThat(known()).isNotEmpty();
        for (String content :
                new String[] {"", "{", "[]", "{\"rows_transaction_ids\":[1]}", "{\"rows_transaction_ids\":[\"x\"]}"}) {
            try (var files = Files.walk(folder.resolve("snapshots"))) {
                Files.writeString(
                        files.filter(each -> each.endsWith("committed.json"))
                                .findFirst()
                                .orElseThrow(),
                        content);
            }
            assertThat(known()).as(content).isEmpty();
        }
    }
}
