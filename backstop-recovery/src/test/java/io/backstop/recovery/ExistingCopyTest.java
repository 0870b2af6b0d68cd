package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RestoreProgress.Step;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.recovery.model.RowVerification;
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
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A table has the name of the one that is to be restored. */
@ExtendWith(PostgresExtension.class)
class ExistingCopyTest {
    private static final String OID = "SELECT to_regclass('users_recovered')::oid";

    private final TestDatabase database;
    private final ObjectStore store;
    private final Captures captures;

    ExistingCopyTest(TestDatabase database, @TempDir Path folder) {
        this.database = database;
        this.store = ObjectStores.open(folder.toUri().toString());
        this.captures = new Captures(database, store);
    }

    @BeforeEach
    void create() throws SQLException {
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text)",
                "COMMENT ON TABLE users IS 'who''s who'",
                "INSERT INTO users (name) SELECT 'user ' || n FROM generate_series(1, 50) AS n");
    }

    @AfterEach
    void closeStore() {
        store.close();
    }

    private Restore restore() {
        return new Restore(captures.archive());
    }

    private RestoredTable restore(Restore restore, SnapshotManifest manifest) throws Exception {
        try (Connection connection = database.connect()) {
            return restore.restore(connection, manifest, Restore.defaultTarget(manifest), RestoreProgress.SILENT);
        }
    }

    private void assertRefused(Restore restore, SnapshotManifest manifest, String problem) throws Exception {
        String before = database.value(OID);
        assertThatThrownBy(() -> restore(restore, manifest))
                .isInstanceOf(RecoveryException.class)
                .hasMessageStartingWith(problem);
        assertThat(database.value(OID)).isEqualTo(before);
    }

    @Test
    void one_that_is_what_the_snapshot_holds_is_restored_already() throws Exception {
        SnapshotManifest manifest = captures.take("users");
        assertThat(restore(restore(), manifest).foundThere()).isFalse();
        String made = database.value(OID);

        RestoredTable again = restore(restore(), manifest);

        assertThat(again.foundThere()).isTrue();
        assertThat(again.validation().holds()).isTrue();
        assertThat(restore(restore().replacing(), manifest).foundThere()).isTrue();
        assertThat(database.value(OID)).isEqualTo(made);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "UPDATE users_recovered SET name = 'x' WHERE id = 1",
                "DELETE FROM users_recovered WHERE id = 50",
                "ALTER TABLE users_recovered ADD COLUMN more int",
                "ALTER TABLE users_recovered DROP CONSTRAINT users_recovered_pkey",
                "INSERT INTO users_recovered (name) VALUES ('new')",
            })
    void one_that_is_not_what_the_snapshot_holds_any_more_is_refused_and_replaced_on_demand(String change)
            throws Exception {
        SnapshotManifest manifest = captures.take("users");
        restore(restore(), manifest);
        database.run(change);

        assertRefused(
                restore(),
                manifest,
                "table public.users_recovered exists already: it was restored from " + manifest.snapshotId()
                        + ", and is not what that holds any more (");

        assertThat(restore(restore().replacing(), manifest).foundThere()).isFalse();
        assertThat(database.rows("SELECT * FROM users_recovered ORDER BY id"))
                .isEqualTo(database.rows("SELECT * FROM users ORDER BY id"));
        assertThat(database.value("SELECT count(*) FROM pg_class WHERE relname LIKE 'users%' AND relkind = 'S'"))
                .isEqualTo("2");
    }

    @Test
    void one_of_another_snapshot_is_refused_by_its_id_and_replaced_on_demand() throws Exception {
        SnapshotManifest first = captures.take("users");
        database.run("DELETE FROM users WHERE id > 10");
        SnapshotManifest second = captures.take("users");
        restore(restore(), first);

        assertRefused(
                restore(),
                second,
                "table public.users_recovered exists already: it was restored from " + first.snapshotId()
                        + ", not from " + second.snapshotId() + "\nHINT: --replace-recovered drops it");

        restore(restore().replacing(), second);
        assertThat(database.value("SELECT count(*) FROM users_recovered")).isEqualTo("10");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE TABLE users_recovered (LIKE users INCLUDING ALL)",
                "CREATE TABLE users_recovered AS SELECT * FROM users",
                "CREATE VIEW users_recovered AS SELECT * FROM users",
                "CREATE SEQUENCE users_recovered",
                "CREATE TYPE users_recovered AS (id int)",
                "ALTER TABLE users_copy RENAME TO users_recovered",
            })
    void one_that_Backstop_did_not_make_under_this_name_is_never_dropped(String made) throws Exception {
        SnapshotManifest manifest = captures.take("users");
        try (Connection connection = database.connect()) {
            restore().restore(connection, manifest, RelationName.of("public", "users_copy"), RestoreProgress.SILENT);
        }
        database.run(made);
        List<String> before = database.rows("SELECT oid, relname FROM pg_class ORDER BY 1");

        for (Restore restore : List.of(restore(), restore().replacing())) {
            assertRefused(
                    restore,
                    manifest,
                    "table public.users_recovered exists already\nHINT: restore under another name; a table that Backstop"
                            + " did not make is not dropped");
        }

        assertThat(database.rows("SELECT oid, relname FROM pg_class ORDER BY 1"))
                .isEqualTo(before);
    }

    @Test
    void one_on_which_something_depends_stays_as_it_is() throws Exception {
        SnapshotManifest manifest = captures.take("users");
        restore(restore(), manifest);
        database.run("UPDATE users_recovered SET name = 'x'", "CREATE VIEW eyes AS SELECT name FROM users_recovered");

        assertThatThrownBy(() -> restore(restore().replacing(), manifest))
                .isInstanceOf(RecoveryException.class)
                .hasMessageContaining("cannot drop table public.users_recovered because other objects depend on it");

        assertThat(database.value("SELECT count(DISTINCT name) FROM eyes")).isEqualTo("1");
    }

    @Test
    void one_that_is_exchanged_while_its_replacement_is_loaded_stays() throws Exception {
        SnapshotManifest manifest = captures.take("users");
        restore(restore(), manifest);
        database.run("DELETE FROM users_recovered");
        RestoreProgress exchange = (step, target, rows, total) -> {
            if (step == Step.LOADED) {
                run("DROP TABLE users_recovered", "CREATE TABLE users_recovered (id int)");
            }
        };
        Connections second = () -> Optional.of(database.connect());
        try (Connection connection = database.connect()) {
            Restore staged = new Restore(captures.archive(), second, RowVerification.COUNTS, 0).replacing();
            assertThatThrownBy(() -> staged.restore(connection, manifest, Restore.defaultTarget(manifest), exchange))
                    .isInstanceOf(RecoveryException.class)
                    .hasMessageStartingWith("table public.users_recovered was replaced by another one meanwhile");
        }
        assertThat(database.value("SELECT count(*) FROM users_recovered")).isEqualTo("0");
        assertThat(database.rows("SELECT relname FROM pg_class WHERE relname LIKE 'backstop_restore%'"))
                .isEmpty();
    }

    private void run(String... statements) {
        try {
            database.run(statements);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void a_staged_restore_replaces_by_its_last_step() throws Exception {
        SnapshotManifest manifest = captures.take("users");
        restore(restore(), manifest);
        database.run("DELETE FROM users_recovered");
        String before = database.value(OID);
        RestoreProgress look = (step, target, rows, total) -> {
            if (step == Step.LOADED || step == Step.INDEXED) {
                assertThat(value()).isEqualTo(before);
            }
        };
        try (Connection connection = database.connect()) {
            new Restore(captures.archive(), () -> Optional.of(database.connect()), RowVerification.COUNTS, 0)
                    .replacing()
                    .restore(connection, manifest, Restore.defaultTarget(manifest), look);
        }
        assertThat(database.value("SELECT count(*) FROM users_recovered")).isEqualTo("50");
        assertThat(database.value(OID)).isNotEqualTo(before);
    }

    private String value() {
        try {
            return database.value(OID);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void a_recovery_that_is_run_again_prints_the_same_script() throws Exception {
        captures.take("users");
        database.run("DELETE FROM users WHERE id > 10");
        try (Connection connection = database.connect()) {
            GuidedRecovery recovery = new GuidedRecovery(captures.archive());
            RecoveryReport first = recovery.recover(connection, "users", RestoreProgress.SILENT);
            RecoveryReport again = recovery.recover(connection, "users", RestoreProgress.SILENT);

            assertThat(again.copyback().sql()).isEqualTo(first.copyback().sql());
            assertThat(again.notes())
                    .anyMatch(
                            note -> note.startsWith("public.users_recovered was restored before, and still is what "));
            database.run(again.copyback().sql());
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("50");
    }

    @Test
    void a_group_of_which_a_part_is_there_is_replaced_as_a_whole() throws Exception {
        database.run(
                "CREATE TABLE orders (id int PRIMARY KEY, owner int REFERENCES users)",
                "INSERT INTO orders VALUES (1, 2)");
        captures.takeTogether("users", "orders");
        try (Connection connection = database.connect()) {
            GuidedRecovery recovery = new GuidedRecovery(captures.archive());
            recovery.recover(connection, "users", RestoreProgress.SILENT);

            assertThatThrownBy(() -> recovery.recoverGroup(connection, "orders", RestoreProgress.SILENT))
                    .isInstanceOf(RecoveryException.class)
                    .hasMessageContaining("table public.users_recovered exists already: it was restored from snap_")
                    .hasMessageContaining("--replace-recovered");
            assertThat(database.value("SELECT to_regclass('orders_recovered')")).isEqualTo("null");

            RecoveryReport report = recovery.replacing().recoverGroup(connection, "orders", RestoreProgress.SILENT);
            assertThat(report.tables()).hasSize(2);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"COMMENT ON TABLE users IS 'who''s who'", "COMMENT ON TABLE users IS NULL"})
    void a_table_that_is_back_has_the_comment_that_it_had(String comment) throws Exception {
        database.run(comment);
        String before = database.value("SELECT obj_description('users'::regclass)");
        captures.take("users");
        for (boolean exact : List.of(true, false)) {
            database.run("DROP TABLE users");
            try (Connection connection = database.connect()) {
                RecoveryReport report =
                        new GuidedRecovery(captures.archive()).recover(connection, "users", RestoreProgress.SILENT);
                database.run(
                        exact
                                ? report.copyback().sql()
                                : OfflineCopybackScript.script(
                                        RelationName.of("users_recovered"), RelationName.of("users")));
            }
            assertThat(database.value("SELECT obj_description('users'::regclass)"))
                    .isEqualTo(before);
        }
    }
}
