package io.backstop.recovery;

import io.backstop.snapshot.store.ObjectEntry;
import io.backstop.snapshot.store.ObjectStore;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;

/** Objects in memory, and something that happens before each is stored. */
final class HookedMemoryStore implements ObjectStore {
    private final ConcurrentSkipListMap<String, byte[]> objects = new ConcurrentSkipListMap<>();
    private volatile Hook hook = name -> {};

    void before(Hook next) {
        hook = next;
    }

    /** Changes what is stored under the names that end so. */
    void damage(String ending) {
        objects.replaceAll((name, content) -> {
            byte[] damaged = content.clone();
            if (name.endsWith(ending)) {
                damaged[damaged.length / 2] ^= 1;
            }
            return damaged;
        });
    }

    @Override
    public void put(String name, ByteBuffer content) throws IOException {
        hook.before(name);
        objects.put(name, bytes(content));
    }

    @Override
    public void putNew(String name, ByteBuffer content) throws IOException {
        hook.before(name);
        if (objects.putIfAbsent(name, bytes(content)) != null) {
            throw new FileAlreadyExistsException(name);
        }
    }

    private static byte[] bytes(ByteBuffer content) {
        byte[] bytes = new byte[content.remaining()];
        content.duplicate().get(bytes);
        return bytes;
    }

    @Override
    public InputStream open(String name) throws IOException {
        return new ByteArrayInputStream(
                Optional.ofNullable(objects.get(name)).orElseThrow(() -> new NoSuchFileException(name)));
    }

    @Override
    public List<ObjectEntry> entries(String prefix) {
        return objects.tailMap(prefix).entrySet().stream()
                .takeWhile(entry -> entry.getKey().startsWith(prefix))
                .map(entry -> new ObjectEntry(entry.getKey(), entry.getValue().length, Instant.EPOCH))
                .toList();
    }

    @Override
    public void delete(String name) {
        objects.remove(name);
    }

    @Override
    public String address() {
        return "memory:";
    }

    @Override
    public void close() {
        // What it holds is looked at afterwards.
    }

    /** What happens before an object is stored, by its name. */
    @FunctionalInterface
    interface Hook {
        void before(String name) throws IOException;
    }
}
