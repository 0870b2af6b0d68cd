package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.model.ConflictMode;
import io.backstop.recovery.model.CopybackPlan;
import io.backstop.recovery.model.RestoreProgress;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

/** Children that the script does not give to a restored parent are told, with what would do it. */
@ExtendWith(PostgresExtension.class)
class DetachedChildrenTest {
    private final TestDatabase database;
    private final ObjectStore store;
    private final Captures captures;

    DetachedChildrenTest(TestDatabase database, @TempDir Path folder) {
        this.database = database;
        this.store = ObjectStores.open(folder.toUri().toString());
        this.captures = new Captures(database, store);
    }

    @BeforeEach
    void startEmpty() throws SQLException {
        database.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public");
    }

    @AfterEach
    void closeStore() {
        store.close();
    }

    private CopybackPlan copyBack(List<SnapshotManifest> manifests) throws Exception {
        Map<SnapshotManifest, RelationName> targets = new LinkedHashMap<>();
        manifests.forEach(manifest -> targets.put(manifest, Restore.defaultTarget(manifest)));
        try (Connection connection = database.connect()) {
            CopybackPlan plan = new CopybackPlanner(ConflictMode.AS_FOUND)
                    .plan(
                            connection,
                            new Restore(captures.archive())
                                    .restoreTogether(connection, targets, RestoreProgress.SILENT));
            database.run(plan.sql());
            return plan;
        }
    }

    private void runOffered(CopybackPlan plan) throws SQLException {
        for (String line :
                plan.sql().lines().filter(l -> l.startsWith("-- ALTER TABLE ")).toList()) {
            database.run(line.substring("-- ".length()));
        }
    }

    @Test
    void a_child_that_is_not_restored_stays_with_the_parent_that_is_set_aside() throws Exception {
        database.run(
                "CREATE TABLE a (id int, note text)",
                "CREATE TABLE \"C\" () INHERITS (a)",
                "INSERT INTO a VALUES (1, 'a')",
                "INSERT INTO \"C\" VALUES (2, 'c')");
        SnapshotManifest manifest = captures.take("a");
        database.run("ALTER TABLE ONLY a DROP COLUMN note");

        CopybackPlan plan = copyBack(List.of(manifest));

        assertThat(plan.warnings())
                .containsExactly(
                        "child public.\"C\" of table public.a stays with public.a_set_aside, for it is not restored "
                                + "by this: once it has the columns of the restored one, run what the script offers");
        assertThat(database.rows("SELECT id FROM a")).containsExactly("1");
        runOffered(plan);
        assertThat(database.rows("SELECT id, note FROM a ORDER BY id")).containsExactly("1|a", "2|c");
    }

    @Test
    void a_partition_that_came_after_the_snapshot_stays_with_the_parent_that_is_set_aside() throws Exception {
        database.run(
                "CREATE TABLE p (id int, note text) PARTITION BY RANGE (id)",
                "CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM (1) TO (10)",
                "INSERT INTO p VALUES (1, 'a')");
        List<SnapshotManifest> manifests = captures.takeTogether("p", "p_1");
        database.run(
                "ALTER TABLE p DROP COLUMN note",
                "CREATE TABLE p_2 PARTITION OF p FOR VALUES FROM (10) TO (20)",
                "INSERT INTO p VALUES (11)");

        CopybackPlan plan = copyBack(manifests);

        assertThat(plan.warnings())
                .containsExactly("partition public.p_2 of table public.p stays with public.p_set_aside, for it is not "
                        + "restored by this: once it has the columns of the restored one, run what the script offers");
        assertThat(database.rows("SELECT id, note FROM p")).containsExactly("1|a");
        database.run("ALTER TABLE p_set_aside ADD COLUMN note text");
        runOffered(plan);
        assertThat(database.rows("SELECT id, note FROM p ORDER BY id")).containsExactly("1|a", "11|null");
    }

    @Test
    void a_child_that_left_before_its_parent_was_dropped_is_told() throws Exception {
        database.run(
                "CREATE TABLE a (id int)",
                "CREATE TABLE c (PRIMARY KEY (id)) INHERITS (a)",
                "INSERT INTO c VALUES (2)");
        List<SnapshotManifest> manifests = captures.takeTogether("a", "c");
        database.run("ALTER TABLE c NO INHERIT a", "DROP TABLE a");

        CopybackPlan plan = copyBack(manifests);

        assertThat(plan.warnings())
                .containsExactly(
                        "table public.c had left public.a before that went: if it is to be its child again, run "
                                + "what the script offers");
        assertThat(database.rows("SELECT id FROM a")).isEmpty();
        runOffered(plan);
        assertThat(database.rows("SELECT id FROM a")).containsExactly("2");
    }

    @Test
    void children_that_are_restored_with_their_parent_are_not_told() throws Exception {
        database.run(
                "CREATE TABLE a (id int, note text)",
                "CREATE TABLE c () INHERITS (a)",
                "INSERT INTO c VALUES (2, 'c')");
        List<SnapshotManifest> manifests = captures.takeTogether("a", "c");
        database.run("ALTER TABLE a DROP COLUMN note");

        CopybackPlan plan = copyBack(manifests);

        assertThat(plan.warnings()).isEmpty();
        assertThat(database.rows("SELECT id, note FROM a")).containsExactly("2|c");
    }
}
