package io.backstop.story;

import io.backstop.snapshot.archive.WrappedKeys;
import io.backstop.snapshot.key.KeyFile;
import io.backstop.snapshot.store.FileObjectStore;
import io.backstop.snapshot.store.ObjectEntry;
import io.backstop.snapshot.store.ObjectStore;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/** The program that the kill test forks: rotates keys, and dies after one of its changes of the storage. */
final class KeyRotationKillSite {
    /** How it ends when it dies: as if killed with SIGKILL. */
    static final int KILLED = 137;

    private KeyRotationKillSite() {}

    /** Arguments: folder of the storage, old key file, new key file, and after which change it dies. */
    public static void main(String[] arguments) throws IOException {
        try (ObjectStore store =
                new Dying(new FileObjectStore(Path.of(arguments[0])), Integer.parseInt(arguments[3]))) {
            new WrappedKeys(store).rotate(KeyFile.open(Path.of(arguments[1])), KeyFile.open(Path.of(arguments[2])));
        }
    }

    /** A store whose process dies with a change. Used by one thread. */
    private static final class Dying implements ObjectStore {
        private final ObjectStore store;
        private int left;

        Dying(ObjectStore store, int change) {
            this.store = store;
            this.left = change;
        }

        private void change() {
            if (--left == 0) {
                Runtime.getRuntime().halt(KILLED); // no shutdown hooks, no finally blocks
            }
        }

        @Override
        public void put(String name, ByteBuffer content) throws IOException {
            store.put(name, content);
            change();
        }

        @Override
        public void putNew(String name, ByteBuffer content) throws IOException {
            store.putNew(name, content);
            change();
        }

        @Override
        public InputStream open(String name) throws IOException {
            return store.open(name);
        }

        @Override
        public List<ObjectEntry> entries(String prefix) throws IOException {
            return store.entries(prefix);
        }

        @Override
        public void delete(String name) throws IOException {
            store.delete(name);
            change();
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
