package io.backstop.recovery;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RestoreProgress.Step;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.postgresql.PGConnection;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A drill does what a restore does, and leaves the database as it was. */
@ExtendWith(PostgresExtension.class)
class RestoreDrillTest {
    /** Everything that a restore could leave, and the rows. */
    private static final List<String> STATE = List.of(
            "SELECT oid, relname, relnamespace, relfilenode FROM pg_class ORDER BY oid",
            "SELECT oid, typname, typnamespace FROM pg_type ORDER BY oid",
            "SELECT oid, nspname FROM pg_namespace ORDER BY oid",
            "SELECT oid, proname, prosrc FROM pg_proc WHERE oid >= 16384 ORDER BY oid",
            "SELECT oid, conname, conrelid FROM pg_constraint ORDER BY oid",
            "SELECT classid, objid, objsubid, refclassid, refobjid, refobjsubid FROM pg_depend ORDER BY 1, 2, 3, 4, 5, 6",
            "SELECT objoid, classoid, objsubid, description FROM pg_description WHERE objoid >= 16384 ORDER BY 1, 2, 3",
            "SELECT * FROM users ORDER BY id",
            "SELECT last_value, is_called FROM users_id_seq");

    private final TestDatabase database;
    private final ObjectStore store;
    private final Captures captures;
    private final Path folder;

    RestoreDrillTest(TestDatabase database, @TempDir Path folder) {
        this.database = database;
        this.folder = folder;
        this.store = ObjectStores.open(folder.toUri().toString());
        this.captures = new Captures(database, store);
    }

    @BeforeEach
    void create() throws SQLException {
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TYPE mood AS ENUM ('well', 'ill')",
                "CREATE FUNCTION even(int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1 % 2 = 0'",
                "CREATE TABLE plans (id int PRIMARY KEY)",
                "INSERT INTO plans VALUES (1)",
                "CREATE TABLE users (id serial PRIMARY KEY, name text UNIQUE, mood mood DEFAULT 'well',"
                        + " plan int REFERENCES plans, half int CHECK (even(half)))",
                "COMMENT ON TABLE users IS 'who''s who'",
                "INSERT INTO users (name, plan, half) SELECT 'user ' || n, 1, n * 2 FROM generate_series(1, 50) AS n");
    }

    @AfterEach
    void closeStore() {
        store.close();
    }

    private List<List<String>> state() throws SQLException {
        List<List<String>> state = new ArrayList<>();
        for (String question : STATE) {
            state.add(database.rows(question));
        }
        return state;
    }

    private RestoredTable drill(SnapshotManifest manifest, RestoreProgress progress) throws Exception {
        try (Connection connection = database.connect()) {
            RestoredTable drilled = new RestoreDrill(captures.archive()).run(connection, manifest, progress);
            assertThat(connection.getAutoCommit()).isTrue();
            return drilled;
        }
    }

    @Test
    void everything_is_compared_and_nothing_is_left() throws Exception {
        SnapshotManifest manifest = captures.take("users");
        List<List<String>> before = state();
        RestoredTable drilled = drill(manifest, RestoreProgress.SILENT);
        assertThat(drilled.validation().holds()).isTrue();
        assertThat(drilled.validation().toString()).contains("ok       row checksum: ", "ok       rows: 50");
        assertThat(drilled.openForeignKeys()).isEmpty();
        assertThat(state()).isEqualTo(before);
    }

    @Test
    void what_is_missing_is_made_and_gone_again() throws Exception {
        SnapshotManifest manifest = captures.take("users");
        database.run("DROP TABLE users", "DROP TYPE mood", "DROP FUNCTION even");
        List<String> before = database.rows("SELECT oid FROM pg_type ORDER BY oid");
        RestoredTable drilled = drill(manifest, RestoreProgress.SILENT);
        assertThat(drilled.created()).anyMatch(what -> what.contains("mood"));
        assertThat(database.rows("SELECT oid FROM pg_type ORDER BY oid")).isEqualTo(before);
    }

    @Test
    void a_snapshot_that_is_damaged_fails_and_nothing_is_left() throws Exception {
        SnapshotManifest manifest = captures.take("users");
        Path chunk;
        try (Stream<Path> files = Files.walk(folder)) {
            chunk = files.filter(file -> file.getFileName().toString().startsWith("data-"))
                    .findFirst()
                    .orElseThrow();
        }
        byte[] bytes = Files.readAllBytes(chunk);
        bytes[bytes.length / 2] ^= 1;
        Files.write(chunk, bytes);
        List<List<String>> before = state();
        assertThatThrownBy(() -> drill(manifest, RestoreProgress.SILENT))
                .isInstanceOf(RecoveryException.class)
                .hasMessageContaining("is damaged");
        assertThat(state()).isEqualTo(before);
    }

    @Test
    void a_snapshot_that_does_not_tell_the_truth_about_its_rows_fails() throws Exception {
        SnapshotManifest manifest =
                captures.takeWith("users", facts -> new Captures.RowFacts("0".repeat(32), facts.chunks()));
        assertThatThrownBy(() -> drill(manifest, RestoreProgress.SILENT)).isInstanceOf(RecoveryException.class);
    }

    @Test
    void what_a_restore_lacks_is_named() throws Exception {
        SnapshotManifest manifest = captures.take("users");
        database.run(
                "DROP TABLE users",
                "DROP FUNCTION even",
                "CREATE FUNCTION even(int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT false'");
        assertThatThrownBy(() -> drill(manifest, RestoreProgress.SILENT))
                .isInstanceOf(RecoveryException.class)
                .hasMessageContaining("users_half_check");
    }

    /** The server itself takes back what was done, so that it does not matter when it is stopped. */
    @ParameterizedTest
    @EnumSource(
            value = Step.class,
            names = {"CREATED", "LOADING", "LOADED", "CONSTRAINED", "VALIDATED"})
    void a_session_that_ends_at_any_step_leaves_nothing(Step end) throws Exception {
        SnapshotManifest manifest = captures.take("users");
        List<List<String>> before = state();
        try (Connection connection = database.connect()) {
            int backend = connection.unwrap(PGConnection.class).getBackendPID();
            RestoreProgress ending = (step, target, rows, total) -> {
                if (step == end) {
                    terminate(backend);
                }
            };
            assertThatThrownBy(() -> new RestoreDrill(captures.archive()).run(connection, manifest, ending))
                    .isInstanceOf(RecoveryException.class);
        }
        assertThat(state()).isEqualTo(before);
    }

    private void terminate(int backend) {
        try {
            database.value("SELECT pg_terminate_backend(" + backend + ", 10000)");
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    /** Rows are read back while the tables that a foreign key refers to can still be written. */
    @Test
    void others_write_to_the_tables_that_it_refers_to_until_its_last_steps() throws Exception {
        SnapshotManifest manifest = captures.take("users");
        List<Step> writable = new ArrayList<>();
        drill(manifest, (step, target, rows, total) -> {
            try (Connection other = database.connect();
                    Statement statement = other.createStatement()) {
                statement.execute("SET lock_timeout = '10ms'");
                statement.execute("UPDATE plans SET id = id");
                writable.add(step);
            } catch (SQLException e) {
                assertThat(e.getSQLState()).isEqualTo("55P03");
            }
        });
        assertThat(writable).contains(Step.CREATED, Step.LOADED).doesNotContain(Step.CONSTRAINED);
    }
}
