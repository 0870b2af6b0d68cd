package io.backstop.jdbc.control;

import io.backstop.api.error.ControlStoreUnavailableException;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.Set;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A store that is removed, emptied, replaced or set back stops the work, and no empty one takes its place. */
class ControlStoreLossTest {
    private static final List<String> FILES = List.of("backstop.db", "backstop.db-wal", "backstop.db-shm");

    /** After it, the file itself holds everything, and its log nothing. */
    private static final String CHECKPOINT = "PRAGMA wal_checkpoint(TRUNCATE)";

    @TempDir
    private Path folder;

    private Path file;
    private Path marker;
    private SqlControlStore store;

    @BeforeEach
    void openAndPause() throws ControlStoreUnavailableException {
        file = folder.resolve("backstop.db");
        marker = folder.resolve("backstop.db.id");
        store = SqlControlStore.sqlite(file, Clock.systemUTC());
        store.pause().pause("incident", "ops");
    }

    @AfterEach
    void close() {
        store.close();
    }

    private void remove() throws IOException {
        for (String name : FILES) {
            Files.deleteIfExists(folder.resolve(name));
        }
    }

    private static void move(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        for (String name : FILES) {
            if (Files.exists(from.resolve(name))) {
                Files.move(from.resolve(name), to.resolve(name), StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    /** A whole copy of the store as it is now, in a file of its own. */
    private Path copy(String name) throws SQLException {
        Path copy = folder.resolve(name);
        sql(file, "VACUUM INTO '" + copy + "'");
        return copy;
    }

    private static void sql(Path database, String... statements) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private Path otherStore() throws Exception {
        Path other = Files.createDirectories(folder.resolve("other")).resolve("backstop.db");
        SqlControlStore.sqlite(other, Clock.systemUTC()).close();
        return other;
    }

    private void assertRefused(String problem) {
        for (ThrowingCallable use : List.<ThrowingCallable>of(
                () -> store.pause().current(),
                () -> store.heartbeats().beat("sidecar", "db", Optional.empty(), Set.of()),
                () -> store.pause().current())) {
            assertRefused(use, problem);
        }
    }

    private void assertRefused(ThrowingCallable use, String problem) {
        assertThatThrownBy(use)
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessageStartingWith(problem)
                .hasMessageContaining("\nHINT: ");
    }

    @Test
    void a_removed_store_stops_the_work_and_is_not_made_anew() throws Exception {
        remove();
        assertRefused("the control store was removed: " + file);
        assertThat(file).doesNotExist();
    }

    @Test
    void a_store_that_was_moved_away_is_used_again_once_it_is_put_back() throws Exception {
        Path away = folder.resolve("away");
        move(folder, away);
        assertRefused("the control store was removed: " + file);
        move(away, folder);
        assertThat(store.pause().current().orElseThrow().reason()).isEqualTo("incident");
        store.heartbeats().beat("sidecar", "db", Optional.empty(), Set.of());
        assertThat(store.audit().firstBroken()).isEmpty();
    }

    @Test
    void a_process_that_starts_after_the_removal_does_not_begin_with_an_empty_store() throws Exception {
        store.close();
        remove();
        assertRefused(
                () -> SqlControlStore.sqlite(file, Clock.systemUTC()),
                "the control store was removed: " + file
                        + "\nHINT: put the file back, with its -wal file if it has one;"
                        + " or delete " + marker + " and restart, to begin with an empty store without the pauses,"
                        + " approvals and quarantines of the old one");
        assertThat(file).doesNotExist();
    }

    @Test
    void an_operator_who_deletes_the_marker_too_begins_with_an_empty_store() throws Exception {
        store.close();
        remove();
        Files.delete(marker);
        store = SqlControlStore.sqlite(file, Clock.systemUTC());
        assertThat(store.pause().current()).isEmpty();
    }

    @Test
    void a_running_process_does_not_take_a_new_store_for_its_own() throws Exception {
        remove();
        Files.delete(marker);
        try (SqlControlStore other = SqlControlStore.sqlite(file, Clock.systemUTC())) {
            assertThat(other.pause().current()).isEmpty();
            assertRefused("the control store was replaced by another one: " + file);
        }
    }

    @Test
    void an_emptied_store_stops_the_work_and_stays_empty() throws Exception {
        sql(file, CHECKPOINT);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(0);
        }
        assertRefused("the control store was emptied: " + file);
        assertThat(file).isEmptyFile();
        assertRefused(() -> SqlControlStore.sqlite(file, Clock.systemUTC()), "the control store was emptied: " + file);
        assertThat(file).isEmptyFile();
    }

    @Test
    void an_empty_file_in_the_place_of_the_store_is_not_filled() throws Exception {
        remove();
        Files.createFile(file);
        assertRefused("the control store was emptied: " + file);
        assertThat(file).isEmptyFile();
    }

    @Test
    void a_database_without_the_stores_tables_is_not_filled() throws Exception {
        remove();
        sql(file, "CREATE TABLE mine (id integer)");
        assertRefused("the control store was emptied: " + file);
    }

    @Test
    void tables_that_were_dropped_under_an_open_store_stop_the_work() throws Exception {
        sql(file, "DROP TABLE store_identity", "DROP TABLE pause", "DROP TABLE schema_migrations");
        assertRefused("the control store was emptied: " + file);
    }

    @Test
    void another_store_in_its_place_stops_the_work() throws Exception {
        Path other = otherStore();
        remove();
        Files.move(other, file);
        assertRefused("the control store was replaced by another one: " + file);
        assertRefused(
                () -> SqlControlStore.sqlite(file, Clock.systemUTC()),
                "the control store was replaced by another one: " + file);
    }

    @Test
    void another_store_written_over_it_stops_the_work() throws Exception {
        Path other = otherStore();
        sql(file, CHECKPOINT);
        Files.write(file, Files.readAllBytes(other)); // the same file, other bytes
        assertThatThrownBy(() -> store.pause().current()).isInstanceOf(ControlStoreUnavailableException.class);
        assertThatThrownBy(() -> store.heartbeats().beat("sidecar", "db", Optional.empty(), Set.of()))
                .isInstanceOf(ControlStoreUnavailableException.class);
    }

    @Test
    void an_earlier_state_of_the_same_store_stops_the_work() throws Exception {
        store.pause().resume("ops");
        Path earlier = copy("earlier.db");
        store.pause().pause("a second incident", "ops");
        remove();
        Files.move(earlier, file);
        assertRefused("the control store was set back to an earlier state: " + file + ": audit record 3 is missing");
        try (SqlControlStore restarted = SqlControlStore.sqlite(file, Clock.systemUTC())) {
            assertThat(restarted.pause().current())
                    .as("who restarts the process accepts it")
                    .isEmpty();
        }
    }

    @Test
    void an_earlier_state_to_which_others_added_stops_the_work_too() throws Exception {
        Path earlier = copy("earlier.db");
        store.pause().resume("ops");
        store.pause().pause("a second incident", "ops");
        remove();
        Files.move(earlier, file);
        try (SqlControlStore other = SqlControlStore.sqlite(file, Clock.systemUTC())) {
            for (int i = 0; i < 3; i++) {
                other.pause().resume("ops");
            }
        }
        assertRefused("the control store was set back to an earlier state: " + file + ": audit record 3 is missing");
    }

    @Test
    void a_whole_copy_of_the_present_state_is_the_same_store() throws Exception {
        Path present = copy("present.db");
        remove();
        Files.move(present, file);
        assertThat(store.pause().current()).isPresent();
        store.pause().resume("ops");
        assertThat(store.audit().firstBroken()).isEmpty();
    }

    @Test
    void a_write_ahead_log_that_was_removed_is_noticed() throws Exception {
        Path state = folder.resolve("without-log.db");
        Files.copy(file, state); // the pause is in the log alone
        remove();
        Files.move(state, file);
        assertThatThrownBy(() -> store.pause().current()).isInstanceOf(ControlStoreUnavailableException.class);
    }

    @Test
    void a_folder_that_goes_away_and_comes_back_loses_nothing() throws Exception {
        store.close();
        Path inner = Files.createDirectories(folder.resolve("inner"));
        Path away = folder.resolve("away");
        file = inner.resolve("backstop.db");
        store = SqlControlStore.sqlite(file, Clock.systemUTC());
        store.pause().pause("incident", "ops");
        Files.move(inner, away);
        assertRefused("the control store was removed: " + file);
        Files.move(away, inner);
        assertThat(store.pause().current()).isPresent();
    }

    @Test
    void a_store_from_before_there_were_markers_gets_one() throws Exception {
        store.close();
        Files.delete(marker);
        store = SqlControlStore.sqlite(file, Clock.systemUTC());
        assertThat(store.pause().current()).isPresent();
        store.close();
        remove();
        assertRefused(() -> SqlControlStore.sqlite(file, Clock.systemUTC()), "the control store was removed: " + file);
    }
}
