package io.backstop.recovery;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.Validation;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;

import static org.assertj.core.api.Assertions.assertThat;

/** A foreign table comes back by its definition; its rows, which are another server's, are neither read nor written. */
@ExtendWith(PostgresExtension.class)
class ForeignTableTest {
    private static final String FOREIGN =
            "CREATE FOREIGN TABLE app.far (id integer, name text) SERVER itself OPTIONS (schema_name 'app', "
                    + "table_name 'remote')";

    private final TestDatabase database;
    private final ObjectStore store;
    private final Captures captures;

    ForeignTableTest(TestDatabase database, @TempDir Path folder) {
        this.database = database;
        this.store = ObjectStores.open(folder.toUri().toString());
        this.captures = new Captures(database, store);
    }

    @BeforeEach
    void create() throws SQLException {
        drop();
        database.run(
                "CREATE SCHEMA app",
                "CREATE EXTENSION postgres_fdw",
                "DO $$ BEGIN EXECUTE format('CREATE SERVER itself FOREIGN DATA WRAPPER postgres_fdw "
                        + "OPTIONS (host %L, port %L, dbname %L)', '127.0.0.1', current_setting('port'), "
                        + "current_database()); END $$",
                "CREATE USER MAPPING FOR CURRENT_USER SERVER itself OPTIONS (user 'postgres')",
                "CREATE TABLE app.remote (id integer PRIMARY KEY, name text)",
                "INSERT INTO app.remote VALUES (1, 'a'), (2, 'b')",
                FOREIGN,
                "CREATE VIEW app.over AS SELECT id FROM app.far");
    }

    private void drop() throws SQLException {
        database.run("DROP EXTENSION IF EXISTS postgres_fdw CASCADE", "DROP SCHEMA IF EXISTS app CASCADE");
    }

    @AfterEach
    void end() throws SQLException {
        drop();
        store.close();
    }

    private RecoveryReport recoverAfter(String... statements) throws Exception {
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            SnapshotManifest manifest = captures.take(connection, "app", "far", "grp_00000000000000fa");
            assertThat(manifest.rowCount()).isZero();
            connection.rollback();
        }
        database.run(statements);
        try (Connection connection = database.connect()) {
            RecoveryReport report =
                    new GuidedRecovery(captures.archive()).recover(connection, "app.far", RestoreProgress.SILENT);
            assertThat(report.validation().holds()).isTrue();
            assertThat(report.notes())
                    .contains(
                            "app.far_recovered: the rows of foreign table app.far are on server itself: they were not "
                                    + "stored");
            database.run(report.copyback().sql());
            return report;
        }
    }

    @Test
    void a_dropped_one_is_there_again_and_shows_the_rows_of_the_other_server() throws Exception {
        recoverAfter("DROP FOREIGN TABLE app.far CASCADE", "UPDATE app.remote SET name = 'later' WHERE id = 2");

        assertThat(database.rows("SELECT * FROM app.far ORDER BY id")).containsExactly("1|a", "2|later");
        assertThat(database.rows("SELECT * FROM app.over ORDER BY id")).containsExactly("1", "2");
    }

    @Test
    void one_that_is_there_is_left_alone_with_the_rows_of_the_other_server() throws Exception {
        RecoveryReport report = recoverAfter("DELETE FROM app.remote WHERE id = 1");

        assertThat(report.copyback().sql())
                .contains("the foreign table is there, with rows of another server, so nothing is done to it")
                .contains("-- DROP FOREIGN TABLE \"app\".\"far_recovered\"")
                .doesNotContain("INSERT")
                .doesNotContain("LOCK");
        assertThat(database.rows("SELECT * FROM app.remote")).containsExactly("2|b");
    }

    @Test
    void one_that_lost_a_column_is_swapped() throws Exception {
        RecoveryReport report = recoverAfter("ALTER FOREIGN TABLE app.far DROP COLUMN name");

        assertThat(report.copyback().sql()).contains("-- DROP FOREIGN TABLE \"app\".\"far_set_aside\"");
        assertThat(database.rows("SELECT * FROM app.far ORDER BY id")).containsExactly("1|a", "2|b");
        assertThat(database.rows("SELECT * FROM app.over ORDER BY id")).containsExactly("1", "2");
    }

    @Test
    void an_ordinary_table_that_took_its_name_is_set_aside() throws Exception {
        recoverAfter(
                "DROP FOREIGN TABLE app.far CASCADE",
                "CREATE TABLE app.far (id integer, name text)",
                "INSERT INTO app.far VALUES (7, 'own')");

        assertThat(database.rows("SELECT * FROM app.far ORDER BY id")).containsExactly("1|a", "2|b");
        assertThat(database.rows("SELECT * FROM app.far_set_aside")).containsExactly("7|own");
    }

    @Test
    void one_restored_earlier_is_validated_without_its_rows() throws Exception {
        RecoveryReport report = recoverAfter();
        try (Connection connection = database.connect()) {
            Restore restore = new Restore(captures.archive());
            assertThat(restore.validate(connection, report.tables().get(0).manifest(), report.target())
                            .validation()
                            .holds())
                    .isTrue();
            database.run("ALTER FOREIGN TABLE app.far_recovered OPTIONS (SET table_name 'other')");
            assertThat(restore.validate(connection, report.tables().get(0).manifest(), report.target())
                            .validation()
                            .failures())
                    .extracting(Validation.Check::subject)
                    .containsExactly("foreign table");
        }
    }
}
