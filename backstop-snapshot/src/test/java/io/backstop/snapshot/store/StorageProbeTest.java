package io.backstop.snapshot.store;

import io.backstop.snapshot.store.StorageProbe.Action;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A probe says which permission is missing, and goes on with the others. */
class StorageProbeTest {
    /** A store that does not do one thing: it refuses, or pretends. */
    private static final class Lacking implements ObjectStore {
        private final ObjectStore store = new MemoryObjectStore();
        private final Action lacking;
        private final AtomicInteger winners = new AtomicInteger();

        Lacking(Action lacking) {
            this.lacking = lacking;
        }

        private void require(Action action) throws IOException {
            if (action == lacking) {
                throw new IOException("denied");
            }
        }

        @Override
        public void put(String name, ByteBuffer content) throws IOException {
            require(Action.REPLACE);
            store.put(name, content);
        }

        @Override
        public void putNew(String name, ByteBuffer content) throws IOException {
            require(Action.WRITE);
            if (lacking == Action.REFUSE_OVERWRITING
                    || (lacking == Action.LET_ONE_WIN && name.endsWith("-race") && winners.incrementAndGet() == 2)) {
                store.put(name, content);
            } else {
                store.putNew(name, content);
            }
        }

        @Override
        public InputStream open(String name) throws IOException {
            return lacking == Action.READ ? new ByteArrayInputStream(new byte[] {1}) : store.open(name);
        }

        @Override
        public List<ObjectEntry> entries(String prefix) throws IOException {
            require(Action.LIST);
            return store.entries(prefix);
        }

        @Override
        public void delete(String name) throws IOException {
            if (lacking != Action.DELETE) {
                store.delete(name);
            }
        }

        @Override
        public void requireLock() throws IOException {
            require(Action.LOCK);
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

    private static List<Action> failing(ObjectStore store) {
        return StorageProbe.run(store).stream()
                .filter(step -> step.problem().isPresent())
                .map(StorageProbe.Step::action)
                .toList();
    }

    @ParameterizedTest
    @EnumSource(Action.class)
    void what_a_store_lacks_is_named(Action lacking) {
        assertThat(failing(new Lacking(lacking))).contains(lacking);
    }

    @Test
    void nothing_is_left_where_nothing_is_lacking() throws IOException {
        MemoryObjectStore store = new MemoryObjectStore();
        assertThat(StorageProbe.run(store)).hasSize(Action.values().length);
        assertThat(failing(store)).isEmpty();
        assertThat(store.list("")).isEmpty();
    }

    @Test
    void without_an_object_the_rest_is_not_tried() {
        assertThat(StorageProbe.run(new Lacking(Action.WRITE)))
                .extracting(StorageProbe.Step::action)
                .containsExactly(Action.LIST, Action.LOCK, Action.WRITE);
        assertThat(StorageProbe.run(new Lacking(Action.LOCK)))
                .extracting(StorageProbe.Step::action)
                .containsExactly(Action.LIST, Action.LOCK);
    }

    @ParameterizedTest
    @EnumSource(
            value = Action.class,
            names = {"LOCK", "WRITE", "REFUSE_OVERWRITING", "READ"})
    void a_start_fails_where_a_store_lacks_what_every_snapshot_needs(Action lacking) {
        assertThatThrownBy(() -> StorageProbe.requireUsable(new Lacking(lacking)))
                .isInstanceOf(IOException.class);
    }

    @Test
    void a_start_leaves_nothing() throws IOException {
        MemoryObjectStore store = new MemoryObjectStore();
        StorageProbe.requireUsable(store);
        assertThat(store.list("")).isEmpty();
    }
}
