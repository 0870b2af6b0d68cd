package io.backstop.snapshot.store;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;

/** Objects in memory. Thread-safe. */
public final class MemoryObjectStore implements ObjectStore {
    private final ConcurrentSkipListMap<String, byte[]> objects = new ConcurrentSkipListMap<>();

    @Override
    public void put(String name, ByteBuffer content) {
        objects.put(ObjectNames.checked(name), bytes(content));
    }

    @Override
    public void putNew(String name, ByteBuffer content) throws IOException {
        if (objects.putIfAbsent(ObjectNames.checked(name), bytes(content)) != null) {
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
        byte[] content = objects.get(ObjectNames.checked(name));
        if (content == null) {
            throw new NoSuchFileException(name);
        }
        return new ByteArrayInputStream(content);
    }

    @Override
    public List<String> list(String prefix) {
        ObjectNames.checkedPrefix(prefix);
        return objects.keySet().stream().filter(name -> name.startsWith(prefix)).toList();
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
}
