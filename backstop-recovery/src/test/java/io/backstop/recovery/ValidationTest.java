package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.model.ConflictMode;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RestoredTable;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@ExtendWith(PostgresExtension.class)
class ValidationTest {
    private static final RelationName COPY = RelationName.of("public", "copy");

    private final TestDatabase database;
    private final ObjectStore store;
    private final Restore restore;
    private final Captures captures;

    ValidationTest(TestDatabase database, @TempDir Path folder) {
        this.database = database;
        this.store = ObjectStores.open(folder.toUri().toString());
        this.captures = new Captures(database, store);
        this.restore = new Restore(captures.archive());
    }

    @BeforeEach
    void startEmpty() throws SQLException {
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE other (id int PRIMARY KEY)",
                "INSERT INTO other VALUES (1)",
                "CREATE TABLE t (id serial PRIMARY KEY, v text NOT NULL UNIQUE DEFAULT 'x', o int REFERENCES other, "
                        + "self int REFERENCES t, CONSTRAINT c CHECK (v <> ''))",
                "CREATE INDEX ON t (lower(v))",
                "INSERT INTO t (v, o, self) SELECT 'v' || i, 1, 1 FROM generate_series(1, 8) i");
    }

    @AfterEach
    void closeStore() {
        store.close();
    }

    private RestoredTable restored(SnapshotManifest manifest) throws Exception {
        try (Connection connection = database.connect()) {
            return restore.restore(connection, manifest, COPY, RestoreProgress.SILENT);
        }
    }

    private RestoredTable validated(SnapshotManifest manifest) throws Exception {
        try (Connection connection = database.connect()) {
            return restore.validate(connection, manifest, COPY);
        }
    }

    @Test
    void a_table_restored_earlier_is_recognised_with_all_its_names() throws Exception {
        SnapshotManifest manifest = captures.take("t");
        RestoredTable first = restored(manifest);

        RestoredTable found = validated(manifest);
        assertThat(found)
                .usingRecursiveComparison()
                .ignoringFields("foundThere")
                .isEqualTo(first);
        assertThat(found.foundThere()).isTrue();
    }

    @Test
    void foreign_keys_that_could_not_be_made_are_recognised() throws Exception {
        database.run("CREATE TABLE gone (id int PRIMARY KEY)", "ALTER TABLE t ADD g int REFERENCES gone");
        SnapshotManifest manifest = captures.take("t");
        database.run("DROP TABLE gone CASCADE", "TRUNCATE other CASCADE");
        restored(manifest);

        RestoredTable again = validated(manifest);

        assertThat(again.validation().holds()).isTrue();
        assertThat(again.warnings())
                .containsExactly(
                        "foreign key t_g_fkey was left out: it is not there",
                        "foreign key t_o_fkey was created without looking at the rows: it is there as NOT VALID");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "UPDATE copy SET v = 'changed' WHERE id = 3 | row checksum",
                "DELETE FROM copy WHERE id = 3 | rows",
                "ALTER TABLE copy ALTER v DROP NOT NULL | column v",
                "ALTER TABLE copy ALTER v DROP DEFAULT | column v",
                "ALTER TABLE copy ADD extra int | column order",
                "ALTER TABLE copy ALTER o TYPE bigint | column o",
                "ALTER TABLE copy DROP CONSTRAINT c | constraint c",
                "ALTER TABLE copy DROP CONSTRAINT copy_v_key | constraint t_v_key",
                "ALTER TABLE copy ADD CONSTRAINT more CHECK (id > 0) | constraint more",
                "DROP INDEX copy_lower_idx | index t_lower_idx",
                "ALTER SEQUENCE copy_id_seq MAXVALUE 100 | sequence copy_id_seq",
                "SELECT setval('copy_id_seq', 1) | sequence copy_id_seq",
                "ALTER TABLE copy SET (fillfactor = 50) | storage",
                "ALTER TABLE copy SET UNLOGGED | storage",
                "COMMENT ON TABLE copy IS 'x' | comment",
                "COMMENT ON COLUMN copy.v IS 'x' | column v"
            })
    void every_difference_is_found(String change, String subject) throws Exception {
        SnapshotManifest manifest = captures.take("t");
        restored(manifest);
        database.run(
                "ALTER TABLE copy DROP CONSTRAINT t_self_fkey",
                "ALTER TABLE copy ADD CONSTRAINT t_self_fkey " + "FOREIGN KEY (self) REFERENCES copy(id)");
        assertThat(validated(manifest).validation().failures()).isEmpty();

        database.run(change);

        RestoredTable table = validated(manifest);
        assertThat(table.validation().holds()).isFalse();
        assertThat(table.validation().failures())
                .extracting(Validation.Check::subject)
                .contains(subject);
        try (Connection connection = database.connect()) {
            assertThatThrownBy(() -> new CopybackPlanner(ConflictMode.AS_FOUND).plan(connection, List.of(table)))
                    .isInstanceOf(RecoveryException.class)
                    .hasMessageContaining("there is no copyback of a table that differs");
        }
    }

    @Test
    void a_table_that_is_not_there_cannot_be_validated() throws Exception {
        SnapshotManifest manifest = captures.take("t");

        assertThatThrownBy(() -> validated(manifest))
                .isInstanceOf(RecoveryException.class)
                .hasMessage("table public.copy does not exist\nHINT: restore the snapshot first");
    }

    @Test
    void a_validation_can_be_read() throws Exception {
        database.run("CREATE TABLE small (id int)", "INSERT INTO small VALUES (1)");
        SnapshotManifest manifest = captures.take("small");
        restored(manifest);
        database.run("DELETE FROM copy");

        assertThat(validated(manifest).validation()).hasToString("""
                        DIFFERS  rows: expected 1, found 0
                        DIFFERS  row checksum: expected %s, found 00000000000000000000000000000000
                        ok       column order: id
                        ok       column id: integer
                        ok       storage: logged
                        ok       comment: none""".formatted(manifest.rowChecksum()));
    }
}
