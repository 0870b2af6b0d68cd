package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.model.RestoreProgress;
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

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** A sequence that several tables draw from comes back with the table that owns it. */
@ExtendWith(PostgresExtension.class)
class SharedSequenceTest {
    private final TestDatabase database;
    private final ObjectStore store;
    private final Captures captures;

    SharedSequenceTest(TestDatabase database, @TempDir Path folder) {
        this.database = database;
        this.store = ObjectStores.open(folder.toUri().toString());
        this.captures = new Captures(database, store);
    }

    @BeforeEach
    void startEmpty() throws SQLException {
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE \"Parent\" (id serial PRIMARY KEY)",
                "CREATE TABLE child (note text) INHERITS (\"Parent\")",
                "INSERT INTO child VALUES (DEFAULT, 'a'), (DEFAULT, 'b')");
    }

    @AfterEach
    void closeStore() {
        store.close();
    }

    private RecoveryReport recoverGroup(String table) throws Exception {
        try (Connection connection = database.connect()) {
            return new GuidedRecovery(captures.archive()).recoverGroup(connection, table, RestoreProgress.SILENT);
        }
    }

    @Test
    void the_owner_comes_first_whichever_table_is_asked_for() throws Exception {
        captures.takeTogether("child", "Parent");
        database.run("DROP TABLE \"Parent\" CASCADE");

        RecoveryReport report = recoverGroup("child");

        assertThat(report.target()).hasToString("public.child_recovered");
        assertThat(report.notes()).isEmpty();
        database.run(report.copyback().sql());
        database.run("INSERT INTO child VALUES (DEFAULT, 'c')");
        assertThat(database.rows("SELECT id FROM \"Parent\" ORDER BY id")).containsExactly("1", "2", "3");
        assertThat(database.value(
                        "SELECT count(*) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"))
                .isEqualTo("1");
    }

    @Test
    void a_table_that_draws_from_a_restored_sequence_is_valid_later_too() throws Exception {
        List<SnapshotManifest> manifests = captures.takeTogether("Parent", "child");
        database.run("DROP TABLE \"Parent\" CASCADE");
        recoverGroup("Parent");

        try (Connection connection = database.connect()) {
            RestoredTable child = new Restore(captures.archive())
                    .validate(connection, manifests.get(1), RelationName.of("child_recovered"));
            assertThat(child.validation().failures()).isEmpty();
        }
        database.run("CREATE SEQUENCE another", "ALTER TABLE child_recovered ALTER id SET DEFAULT nextval('another')");
        try (Connection connection = database.connect()) {
            RestoredTable changed = new Restore(captures.archive())
                    .validate(connection, manifests.get(1), RelationName.of("child_recovered"));
            assertThat(changed.validation().failures()).hasSize(1);
        }
    }

    @Test
    void a_table_that_comes_back_alone_gets_a_sequence_of_its_own() throws Exception {
        captures.take("child");
        database.run("DROP TABLE \"Parent\" CASCADE");

        RecoveryReport report = recoverGroup("child");

        assertThat(report.notes())
                .containsExactly(
                        "sequence public.\"Parent_id_seq\" was missing and created for public.child_recovered",
                        "inherits public.\"Parent\" was left out: table public.Parent does not exist; it comes back "
                                + "with that");
    }
}
