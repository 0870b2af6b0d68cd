package io.backstop.story;

import io.backstop.snapshot.store.FileObjectStore;
import io.backstop.snapshot.store.ObjectEntry;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStoreProvider;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** A folder that answers no call as long as a file of the name {@code blocked} lies in it. */
final class BlockingStore implements ObjectStore {
    private final Path folder;
    private final FileObjectStore files;

    BlockingStore(Path folder) {
        this.folder = folder;
        this.files = new FileObjectStore(folder);
    }

    static String address(Path folder) {
        return "blocking://" + folder;
    }

    private void pass() throws IOException {
        if (Files.exists(folder.resolve("blocked"))) {
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while the storage did not answer");
            }
        }
    }

    @Override
    public void put(String name, ByteBuffer content) throws IOException {
        pass();
        files.put(name, content);
    }

    @Override
    public void putNew(String name, ByteBuffer content) throws IOException {
        pass();
        files.putNew(name, content);
    }

    @Override
    public InputStream open(String name) throws IOException {
        pass();
        return files.open(name);
    }

    @Override
    public List<ObjectEntry> entries(String prefix) throws IOException {
        pass();
        return files.entries(prefix);
    }

    @Override
    public void delete(String name) throws IOException {
        pass();
        files.delete(name);
    }

    @Override
    public String address() {
        return address(folder);
    }

    @Override
    public void close() {}

    /** Found by the scheme. */
    public static final class Provider implements ObjectStoreProvider {
        @Override
        public String scheme() {
            return "blocking";
        }

        @Override
        public ObjectStore open(String address) {
            return new BlockingStore(Path.of(address.substring("blocking://".length())));
        }
    }
}
