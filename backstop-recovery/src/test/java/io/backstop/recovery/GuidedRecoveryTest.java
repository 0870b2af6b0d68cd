package io.backstop.recovery;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RowVerification;
import io.backstop.snapshot.archive.SnapshotArchive;
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

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@ExtendWith(PostgresExtension.class)
class GuidedRecoveryTest {
    private final TestDatabase database;
    private final ObjectStore store;
    private final Captures captures;

    GuidedRecoveryTest(TestDatabase database, @TempDir Path folder) {
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

    private RecoveryReport recover(String table) throws Exception {
        try (Connection connection = database.connect()) {
            return new GuidedRecovery(captures.archive()).recover(connection, table, RestoreProgress.SILENT);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"users", "public.users", "USERS", "\"users\"", "Public.\"users\""})
    void a_table_is_found_as_postgresql_reads_its_name(String name) throws Exception {
        database.run("CREATE TABLE users (id int PRIMARY KEY)", "CREATE TABLE \"Users\" (id int)");
        SnapshotManifest manifest = captures.take("users");
        captures.take("Users");

        assertThat(recover(name).manifest()).isEqualTo(manifest);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Us.\"e\"rs", "public.\"Us.\"\"e\"\"rs\"", "\"Us.\"\"e\"\"rs\""})
    void a_table_is_found_by_its_letters_where_the_quotes_are_lost(String name) throws Exception {
        database.run("CREATE TABLE \"Us.\"\"e\"\"rs\" (id int PRIMARY KEY)");
        SnapshotManifest manifest = captures.take("Us.\"e\"rs");

        assertThat(recover(name).manifest()).isEqualTo(manifest);
    }

    @Test
    void the_newest_snapshot_is_restored_validated_and_its_way_back_written() throws Exception {
        database.run("CREATE TABLE users (id int PRIMARY KEY)", "INSERT INTO users VALUES (1)");
        captures.take("users");
        database.run("INSERT INTO users VALUES (2)");
        SnapshotManifest newest = captures.take("users");
        database.run("DROP TABLE users");

        RecoveryReport report = recover("users");

        assertThat(report.manifest()).isEqualTo(newest);
        assertThat(report.target()).hasToString("public.users_recovered");
        assertThat(report.validation().holds()).isTrue();
        assertThat(report.validation().toString()).contains("ok       rows: 2\n");
        assertThat(report.notes()).isEmpty();
        database.run(report.copyback().sql());
        assertThat(database.rows("SELECT id FROM users ORDER BY id")).containsExactly("1", "2");
    }

    @Test
    void a_newest_snapshot_without_rows_is_passed_over_and_told() throws Exception {
        database.run("CREATE TABLE users (id int PRIMARY KEY)", "INSERT INTO users VALUES (1), (2)");
        SnapshotManifest most = captures.take("users");
        database.run("DELETE FROM users WHERE id = 1");
        SnapshotManifest some = captures.take("users");
        database.run("DELETE FROM users");
        SnapshotManifest none = captures.take("users");

        RecoveryReport report = recover("users");

        assertThat(report.manifest()).isEqualTo(some);
        assertThat(report.notes())
                .containsExactly(
                        "snapshot " + none.snapshotId() + " of " + none.createdAt()
                                + " is the newest of public.users and "
                                + "holds no rows, so snapshot " + some.snapshotId() + " of " + some.createdAt()
                                + " was taken, which holds 1; if the table was rightly empty, restore the newest by "
                                + "`backstop restore --snapshot-id " + none.snapshotId()
                                + " --table users` and its way "
                                + "back by `backstop restore-copyback-plan`",
                        "snapshot " + most.snapshotId() + " of " + most.createdAt()
                                + " is older and holds more rows of "
                                + "public.users, 2; if some of these are missed, restore it by `backstop restore "
                                + "--snapshot-id " + most.snapshotId() + " --table users` and its way back by "
                                + "`backstop restore-copyback-plan`");
    }

    @ParameterizedTest
    @ValueSource(strings = {"flipped", "missing"})
    void an_older_snapshot_that_cannot_be_read_does_not_keep_the_newest_from_coming_back(String damage)
            throws Exception {
        database.run("CREATE TABLE users (id int PRIMARY KEY)", "INSERT INTO users VALUES (1)");
        SnapshotManifest older = captures.take("users");
        database.run("INSERT INTO users VALUES (2)");
        SnapshotManifest newest = captures.take("users");
        database.run("TRUNCATE users");
        DamagedStore damaged = new DamagedStore(
                store, older.snapshotId() + "/" + older.schemaObject().name(), 1, content -> {
                    content[content.length / 2] ^= 1;
                    return damage.equals("flipped") ? content : new byte[0];
                });

        try (Connection connection = database.connect()) {
            RecoveryReport report = new GuidedRecovery(new SnapshotArchive(damaged))
                    .recover(connection, "users", RestoreProgress.SILENT);

            assertThat(report.manifest()).isEqualTo(newest);
            assertThat(report.notes())
                    .anyMatch(note -> note.contains(older.snapshotId() + ": all 1 rows")
                            && note.contains("; it cannot be read: "));
        }
        assertThat(damaged.wasRead()).isTrue();
    }

    @Test
    void an_empty_table_whose_group_holds_rows_comes_back_with_that() throws Exception {
        database.run("CREATE TABLE users (id int)", "CREATE TABLE orders (id int)", "INSERT INTO users VALUES (1)");
        captures.take("users");
        database.run("DELETE FROM users", "INSERT INTO orders VALUES (1)");
        SnapshotManifest newest = captures.takeTogether("users", "orders").get(0);
        database.run("DROP TABLE users, orders");

        try (Connection connection = database.connect()) {
            RecoveryReport report =
                    new GuidedRecovery(captures.archive()).recoverGroup(connection, "users", RestoreProgress.SILENT);
            assertThat(report.manifest()).isEqualTo(newest);
        }
    }

    @Test
    void a_name_in_several_schemas_is_ambiguous() throws Exception {
        database.run("CREATE SCHEMA other", "CREATE TABLE users (id int)", "CREATE TABLE other.users (id int)");
        captures.take("users");
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            captures.take(connection, "other", "users", "grp_0000000000000000");
        }

        assertThatThrownBy(() -> recover("users"))
                .isInstanceOf(RecoveryException.class)
                .hasMessage("table users has snapshots in several schemas: other.users, public.users\n"
                        + "HINT: name it with its schema");
        assertThat(recover("other.users").target()).hasToString("other.users_recovered");
        database.run("DROP SCHEMA other CASCADE");
    }

    @Test
    void a_table_without_a_snapshot_is_told_which_tables_have_some_and_what_was_passed_over() throws Exception {
        database.run("CREATE TABLE users (id int)", "CREATE TABLE orders (id int)");
        captures.take("users");
        captures.take("orders");
        store.put(
                "snapshots/public.ghosts/snap_00000000000000ff/manifest.json",
                ByteBuffer.wrap("{}".getBytes(StandardCharsets.UTF_8)));

        assertThatThrownBy(() -> recover("ghosts"))
                .isInstanceOf(RecoveryException.class)
                .hasMessageStartingWith("table ghosts has no snapshot\nHINT: there are snapshots of public.orders, "
                        + "public.users; passed over were: ")
                .hasMessageContaining("snapshots/public.ghosts/snap_00000000000000ff/manifest.json");
        assertThat(recover("users").notes()).singleElement().asString().startsWith("a snapshot was passed over: ");
    }

    @Test
    void an_empty_storage_says_so() {
        assertThatThrownBy(() -> recover("users"))
                .isInstanceOf(RecoveryException.class)
                .hasMessage(
                        "table users has no snapshot\nHINT: this storage holds no snapshot with a valid manifest; see "
                                + "whether it is the right one");
    }

    @Test
    void what_was_stored_with_the_table_is_told_and_comes_back_with_its_group() throws Exception {
        database.run(
                "CREATE TABLE users (id int PRIMARY KEY)",
                "CREATE TABLE orders (id int PRIMARY KEY, owner int REFERENCES users)",
                "INSERT INTO users VALUES (1)",
                "INSERT INTO orders VALUES (1, 1)");
        captures.takeTogether("orders", "users");
        database.run("TRUNCATE users CASCADE");

        assertThat(recover("users").notes())
                .singleElement()
                .asString()
                .startsWith("public.orders was stored in the same");
        database.run("DROP TABLE users_recovered");
        RecoveryReport report;
        try (Connection connection = database.connect()) {
            report = new GuidedRecovery(captures.archive()).recoverGroup(connection, "orders", RestoreProgress.SILENT);
        }

        assertThat(report.tables())
                .extracting(t -> t.target().toString())
                .containsExactly("public.orders_recovered", "public.users_recovered");
        database.run(report.copyback().sql());
        assertThat(database.rows("SELECT o.id, u.id FROM orders o JOIN users u ON u.id = o.owner"))
                .containsExactly("1|1");
    }

    @Test
    void a_group_comes_back_whole_or_not_at_all() throws Exception {
        database.run("CREATE TABLE a (id int PRIMARY KEY)", "CREATE TABLE b (id int PRIMARY KEY)");
        captures.takeTogether("a", "b");
        database.run("CREATE TABLE b_recovered (id int)");

        try (Connection connection = database.connect()) {
            assertThatThrownBy(() -> new GuidedRecovery(captures.archive())
                            .recoverGroup(connection, "a", RestoreProgress.SILENT))
                    .isInstanceOf(RecoveryException.class)
                    .hasMessageStartingWith("table public.b_recovered exists already");
        }
        assertThat(database.rows("SELECT relname FROM pg_class WHERE relname = 'a_recovered'"))
                .isEmpty();
    }

    @Test
    void a_partitioned_table_comes_with_its_partitions() throws Exception {
        database.run(
                "CREATE TABLE events (day date NOT NULL) PARTITION BY RANGE (day)",
                "CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')",
                "INSERT INTO events VALUES ('2026-01-05')");
        captures.takeTogether("events", "events_1");
        database.run("DROP TABLE events");

        database.run(recover("events").copyback().sql());

        assertThat(database.rows("SELECT tableoid::regclass, day FROM events")).containsExactly("events_1|2026-01-05");
    }

    private void createEvents() throws SQLException {
        database.run(
                "CREATE TABLE events (day date NOT NULL) PARTITION BY RANGE (day)",
                "CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')",
                "CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')",
                "CREATE TABLE other (id int PRIMARY KEY)",
                "INSERT INTO events VALUES ('2026-01-05'), ('2026-02-05')");
    }

    @Test
    void a_partitioned_table_comes_without_what_else_was_stored_with_it() throws Exception {
        createEvents();
        captures.takeTogether("events", "events_1", "other", "events_2");
        database.run("DROP TABLE events");

        RecoveryReport report = recover("events");

        assertThat(report.tables())
                .extracting(table -> table.original().toString())
                .containsExactlyInAnyOrder("public.events", "public.events_1", "public.events_2");
        assertThat(report.notes()).singleElement().asString().startsWith("public.other was stored in the same");
    }

    @Test
    void another_snapshot_of_a_partition_stands_in_for_one_that_is_gone_from_the_group() throws Exception {
        createEvents();
        captures.takeTogether("events", "events_1");
        SnapshotManifest other = captures.take("events_2");
        database.run("DROP TABLE events");

        RecoveryReport report = recover("events");

        assertThat(report.notes())
                .singleElement()
                .asString()
                .startsWith("partition public.events_2 is not in recovery group ")
                .contains("snapshot " + other.snapshotId());
        database.run(report.copyback().sql());
        assertThat(database.rows("SELECT tableoid::regclass, day FROM events ORDER BY day"))
                .containsExactly("events_1|2026-01-05", "events_2|2026-02-05");
    }

    @Test
    void a_partitioned_table_of_which_a_partition_has_no_snapshot_is_not_recovered_as_if_it_were_whole()
            throws Exception {
        createEvents();
        captures.takeTogether("events", "events_1");
        database.run("DROP TABLE events");

        assertThatThrownBy(() -> recover("events"))
                .isInstanceOf(RecoveryException.class)
                .hasMessageStartingWith("partition public.events_2 of table public.events has no valid snapshot")
                .hasMessageContaining("of public.events_1");
        assertThat(database.rows("SELECT relname FROM pg_class WHERE relname LIKE 'events%'"))
                .isEmpty();
    }

    @Test
    void rows_of_one_statement_are_restored_where_the_table_is_there_and_told_to_be_no_more() throws Exception {
        database.run("CREATE TABLE users (id int PRIMARY KEY)", "INSERT INTO users VALUES (1), (2), (3)");
        SnapshotManifest whole = captures.take("users");
        SnapshotManifest rows = captures.takeRows("users", "id = 2");
        database.run("DELETE FROM users WHERE id = 2");

        RecoveryReport report = recover("users");

        assertThat(report.manifest()).isEqualTo(rows);
        assertThat(report.validation().holds()).isTrue();
        assertThat(report.validation().thoroughness()).isEqualTo(RowVerification.EVERY_ROW);
        assertThat(report.notes())
                .containsExactly(
                        "snapshot " + whole.snapshotId() + " of " + whole.createdAt()
                                + " is older and holds more rows of "
                                + "public.users, 3; if some of these are missed, restore it by `backstop restore "
                                + "--snapshot-id " + whole.snapshotId() + " --table users` and its way back by "
                                + "`backstop restore-copyback-plan`",
                        rows.snapshotId() + " of public.users holds only the 1 rows that one statement changed or "
                                + "deleted, as they were before it");
        assertThat(database.rows("SELECT id FROM users_recovered")).containsExactly("2");
    }

    @Test
    void a_table_that_is_gone_comes_back_from_the_newest_snapshot_of_all_its_rows() throws Exception {
        database.run("CREATE TABLE users (id int PRIMARY KEY)", "INSERT INTO users VALUES (1), (2), (3)");
        captures.take("users");
        SnapshotManifest whole = captures.take("users");
        SnapshotManifest older = captures.takeRows("users", "id = 1");
        SnapshotManifest newest = captures.takeRows("users", "id = 2");
        database.run("DROP TABLE users");

        RecoveryReport report = recover("users");

        assertThat(report.manifest()).isEqualTo(whole);
        assertThat(report.notes())
                .containsExactly(
                        "newer snapshots of public.users hold only rows of single statements and were passed over, "
                                + "because the table is gone: " + newest.snapshotId() + ", " + older.snapshotId());
    }

    @Test
    void a_part_of_a_table_that_is_gone_is_not_taken_for_the_table() throws Exception {
        database.run("CREATE TABLE users (id int PRIMARY KEY)", "INSERT INTO users VALUES (1), (2)");
        SnapshotManifest rows = captures.takeRows("users", "id = 1");
        database.run("DROP TABLE users");

        assertThatThrownBy(() -> recover("users"))
                .isInstanceOf(RecoveryException.class)
                .hasMessage(
                        "table public.users is gone, and snapshot " + rows.snapshotId() + " holds only 1 of its rows\n"
                                + "HINT: restore that snapshot by its id if these rows are what is missed, or the table from a "
                                + "backup");
        assertThat(database.rows("SELECT relname FROM pg_class WHERE relname = 'users_recovered'"))
                .isEmpty();
    }
}
