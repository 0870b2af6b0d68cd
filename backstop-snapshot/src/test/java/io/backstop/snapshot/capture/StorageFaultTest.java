package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.FailingObjectStore;
import io.backstop.snapshot.store.FileObjectStore;
import io.backstop.snapshot.store.MemoryObjectStore;
import io.backstop.snapshot.store.ObjectEntry;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.FutureTask;

import static io.backstop.snapshot.capture.Securing.plain;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

/** Whatever the storage does, the statement is refused, the transaction goes on and nothing half-done can be seen. */
@ExtendWith(PostgresExtension.class)
class StorageFaultTest {
    private TestDatabase database;

    @BeforeEach
    void tables(TestDatabase database) throws SQLException {
        this.database = database;
        database.run(
                "DROP TABLE IF EXISTS a, b",
                "CREATE TABLE a (id integer, t text)",
                "CREATE TABLE b (id integer)",
                // Several chunks, so that an upload fails while the rows still come.
                "INSERT INTO a SELECT i, (SELECT string_agg(md5(i::text || j), '') FROM generate_series(1, 32) j) "
                        + "FROM generate_series(1, 200) i",
                "INSERT INTO b VALUES (1)");
    }

    @ParameterizedTest
    @CsvSource({"false, false", "true, false", "false, true", "true, true"})
    void a_failure_of_any_call_refuses_the_statement_and_shows_nothing_half_done(boolean forGood, boolean afterTheDeed)
            throws Exception {
        int calls = callsWithoutFailure();
        assertThat(calls).isGreaterThan(20);
        for (int failing = 1; failing <= calls; failing++) {
            MemoryObjectStore memory = new MemoryObjectStore();
            Securing securing = inSmallChunks(new FailingObjectStore(memory, failing, forGood, afterTheDeed));
            try (Connection connection = Securing.begin(database)) {
                Securing.run(connection, "INSERT INTO b VALUES (2)");
                assertThatThrownBy(() -> securing.secure(connection, plain(Kind.TRUNCATE, "a", "b")))
                        .as("call %s", failing)
                        .isInstanceOf(RecoveryNotReadyException.class)
                        .hasMessageMatching(
                                "(?s)the rows could not be stored in memory:: .*no storage (at|after) call .*")
                        .hasCauseInstanceOf(IOException.class);
                assertThat(Securing.value(connection, "SELECT count(*) FROM b")).isEqualTo("2");
                assertThat(Securing.value(
                                connection,
                                "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND mode = "
                                        + "'AccessExclusiveLock'"))
                        .isEqualTo("0");
                connection.rollback();
            }
            SnapshotArchive archive = new SnapshotArchive(memory);
            assertThat(archive.contents().broken()).isEmpty();
            for (SnapshotManifest manifest : archive.list()) {
                archive.verify(manifest); // whole, where it could not be removed again
            }
            if (!forGood) {
                assertThat(archive.list()).isEmpty();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_call_that_does_not_come_back_ends_when_the_statements_thread_is_interrupted(boolean afterTheDeed)
            throws Exception {
        int calls = callsWithoutFailure();
        for (int hanging = 1; hanging <= calls; hanging++) {
            MemoryObjectStore memory = new MemoryObjectStore();
            FailingObjectStore store = FailingObjectStore.hanging(memory, hanging, afterTheDeed);
            try (Connection connection = Securing.begin(database)) {
                Securing.run(connection, "INSERT INTO b VALUES (2)");
                FutureTask<Boolean> statement = new FutureTask<>(() -> {
                    assertThatThrownBy(() -> inSmallChunks(store).secure(connection, plain(Kind.TRUNCATE, "a", "b")))
                            .isInstanceOf(RecoveryNotReadyException.class)
                            .hasMessageMatching("(?s)the rows could not be stored in memory:: .*interrupted .*");
                    return Thread.interrupted();
                });
                Thread thread = new Thread(statement, "statement");
                thread.start();
                store.awaitHanging();
                thread.interrupt();
                assertThat(statement.get())
                        .as("call %s: it stays interrupted", hanging)
                        .isTrue();
                assertThat(Securing.value(connection, "SELECT count(*) FROM b")).isEqualTo("2");
                connection.rollback();
            }
            assertThat(memory.list("")).as("call %s", hanging).isEmpty();
        }
    }

    @Test
    void a_disk_that_is_full_at_any_moment_refuses_the_statement_and_keeps_no_part_of_a_file() throws Exception {
        int secured = 0;
        int refused = 0;
        try (SmallDisk disk = SmallDisk.mount(256)) {
            assumeThat(disk.isMounted()).as("this system lets its users mount").isTrue();
            for (int taken = 256; taken >= 0; taken -= 8) {
                Path filler = disk.fill(taken);
                Path folder = disk.root().resolve("snapshots-" + taken);
                try (ObjectStore store = new FileObjectStore(folder);
                        Connection connection = Securing.begin(database)) {
                    Securing securing = inSmallChunks(store);
                    SnapshotArchive archive = new SnapshotArchive(store);
                    try {
                        securing.secure(connection, plain(Kind.TRUNCATE, "a", "b"));
                        archive.list().forEach(manifest -> verify(archive, manifest));
                        assertThat(archive.list()).hasSize(2);
                        secured++;
                    } catch (RecoveryNotReadyException e) {
                        assertThat(e.getMessage()).contains("No space left on device");
                        assertThat(Securing.value(connection, "SELECT count(*) FROM b"))
                                .isEqualTo("1");
                        assertThat(disk.files(folder)).as("%s KiB taken", taken).isEmpty();
                        refused++;
                    }
                }
                disk.remove(folder);
                disk.remove(filler);
            }
        }
        assertThat(secured).isPositive();
        assertThat(refused).isGreaterThan(10);
    }

    private static void verify(SnapshotArchive archive, SnapshotManifest manifest) {
        try {
            archive.verify(manifest);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Securing inSmallChunks(ObjectStore store) {
        return new Securing(store, SnapshotSettings.DEFAULT_LOCK_TIMEOUT, 32 << 10);
    }

    private int callsWithoutFailure() throws Exception {
        FailingObjectStore store = new FailingObjectStore(new MemoryObjectStore(), Integer.MAX_VALUE, false, false);
        try (Connection connection = Securing.begin(database)) {
            inSmallChunks(store).secure(connection, plain(Kind.TRUNCATE, "a", "b"));
        }
        return store.calls();
    }

    @Test
    void a_storage_that_changes_what_it_was_given_is_found_out() throws Exception {
        MemoryObjectStore memory = new MemoryObjectStore();
        for (String victim : List.of("data-00000.copy.zst", "schema.json", "schema.sql", "manifest.json")) {
            Securing securing = new Securing(new LyingObjectStore(memory, victim));
            try (Connection connection = Securing.begin(database)) {
                assertThatThrownBy(() -> securing.secure(connection, plain(Kind.TRUNCATE, "a")))
                        .as(victim)
                        .isInstanceOf(RecoveryNotReadyException.class)
                        .hasMessageContaining(victim);
            }
            assertThat(new SnapshotArchive(memory).list()).isEmpty();
        }
    }

    @Test
    void a_probe_tells_what_is_wrong() {
        for (int failing = 1; failing <= 3; failing++) {
            Securing securing = new Securing(new FailingObjectStore(new MemoryObjectStore(), failing, false, false));
            assertThatThrownBy(securing.service::probe)
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageStartingWith("the storage memory: cannot be used: no storage at call " + failing);
        }
    }

    /** Flips a bit of one object's content on the way in. */
    private static final class LyingObjectStore extends Forwarding {
        private final String victim;

        LyingObjectStore(MemoryObjectStore store, String victim) {
            super(store);
            this.victim = victim;
        }

        @Override
        public void putNew(String name, ByteBuffer content) throws IOException {
            byte[] bytes = new byte[content.remaining()];
            content.duplicate().get(bytes);
            if (name.endsWith(victim)) {
                bytes[bytes.length / 2] ^= 1;
            }
            super.putNew(name, ByteBuffer.wrap(bytes));
        }
    }

    private static class Forwarding implements ObjectStore {
        private final MemoryObjectStore store;

        Forwarding(MemoryObjectStore store) {
            this.store = store;
        }

        @Override
        public void put(String name, ByteBuffer content) {
            store.put(name, content);
        }

        @Override
        public void putNew(String name, ByteBuffer content) throws IOException {
            store.putNew(name, content);
        }

        @Override
        public InputStream open(String name) throws IOException {
            return store.open(name);
        }

        @Override
        public List<ObjectEntry> entries(String prefix) {
            return store.entries(prefix);
        }

        @Override
        public void delete(String name) {
            store.delete(name);
        }

        @Override
        public String address() {
            return store.address();
        }

        @Override
        public void close() {
            store.close();
        }
    }
}
