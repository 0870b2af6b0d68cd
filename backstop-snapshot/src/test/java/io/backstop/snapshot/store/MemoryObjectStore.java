package io.backstop.snapshot.store;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;

/** Objects in memory. Thread-safe. */
public final class MemoryObjectStore implements ObjectStore {
    private final ConcurrentSkipListMap<String, Stored> objects = new ConcurrentSkipListMap<>();
    private final Queue<String> opened = new ConcurrentLinkedQueue<>();
    private final Clock clock;

    public MemoryObjectStore() {
        this(Clock.systemUTC());
    }

    /** @param clock tells when an object is stored */
    public MemoryObjectStore(Clock clock) {
        this.clock = clock;
    }

    @Override
    public void put(String name, ByteBuffer content) {
        objects.put(ObjectNames.checked(name), stored(content));
    }

    @Override
    public void putNew(String name, ByteBuffer content) throws IOException {
        if (objects.putIfAbsent(ObjectNames.checked(name), stored(content)) != null) {
            throw new FileAlreadyExistsException(name);
        }
    }

    private Stored stored(ByteBuffer content) {
        byte[] bytes = new byte[content.remaining()];
        content.duplicate().get(bytes);
        return new Stored(ByteBuffer.wrap(bytes), clock.instant());
    }

    @Override
    public InputStream open(String name) throws IOException {
        opened.add(name);
        Stored content = objects.get(ObjectNames.checked(name));
        if (content == null) {
            throw new NoSuchFileException(name);
        }
        return new ByteArrayInputStream(content.bytes().array());
    }

    /** The names of the objects that were opened so far. */
    public List<String> opened() {
        return List.copyOf(opened);
    }

    @Override
    public List<ObjectEntry> entries(String prefix) {
        ObjectNames.checkedPrefix(prefix);
        return objects.entrySet().stream()
                .filter(object -> object.getKey().startsWith(prefix))
                .map(object -> new ObjectEntry(
                        object.getKey(),
                        object.getValue().bytes().remaining(),
                        object.getValue().at()))
                .toList();
    }

    @Override
    public void delete(String name) {
        objects.remove(ObjectNames.checked(name));
    }

    @Override
    public String address() {
        return "memory:";
    }

    @Override
    public void close() {
        // The objects stay: another archive may look at them.
    }

    private record Stored(ByteBuffer bytes, Instant at) {}
}
