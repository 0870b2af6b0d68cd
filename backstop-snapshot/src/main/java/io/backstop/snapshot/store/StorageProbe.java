package io.backstop.snapshot.store;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Tries what snapshots ask of a store, with an object of its own that it removes again. Where removing is what does not work,
 * the object stays; its name begins with {@value #PREFIX}, where no snapshot is looked for. Stateless, thread-safe.
 */
public final class StorageProbe {
    static final String PREFIX = "probe/";

    private static final byte[] FIRST = "first".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] SECOND = "second".getBytes(StandardCharsets.US_ASCII);

    private StorageProbe() {}

    /**
     * One permission.
     *
     * @param action what was tried
     * @param problem why it does not work; empty where it does
     */
    public record Step(Action action, Optional<IOException> problem) {}

    /** What is tried, in this order. */
    public enum Action {
        /** To see which objects there are. */
        LIST,
        /** To store an object. */
        WRITE,
        /** To be refused where there is one of that name already. */
        REFUSE_OVERWRITING,
        /** To read what was stored. */
        READ,
        /** To store an object in place of another. */
        REPLACE,
        /** To remove an object. */
        DELETE
    }

    /** What came of it; what needs an object is left out where none could be stored. */
    public static List<Step> run(ObjectStore store) {
        String name = PREFIX + UUID.randomUUID();
        List<Step> steps = new ArrayList<>();
        steps.add(attempt(Action.LIST, () -> store.list(PREFIX)));
        Step write = attempt(Action.WRITE, () -> store.putNew(name, ByteBuffer.wrap(FIRST)));
        steps.add(write);
        if (write.problem().isEmpty()) {
            steps.add(attempt(Action.REFUSE_OVERWRITING, () -> requireRefusal(store, name)));
            steps.add(attempt(Action.READ, () -> requireContent(store, name, FIRST)));
            steps.add(attempt(Action.REPLACE, () -> {
                store.put(name, ByteBuffer.wrap(SECOND));
                requireContent(store, name, SECOND);
            }));
            steps.add(attempt(Action.DELETE, () -> {
                store.delete(name);
                if (store.list(name).contains(name)) {
                    throw new IOException("the object is there after it was removed");
                }
            }));
        }
        return List.copyOf(steps);
    }

    private static void requireRefusal(ObjectStore store, String name) throws IOException {
        try {
            store.putNew(name, ByteBuffer.wrap(SECOND));
        } catch (FileAlreadyExistsException e) {
            return;
        }
        throw new IOException("an object that was there was written over, though the request forbids that");
    }

    private static void requireContent(ObjectStore store, String name, byte[] expected) throws IOException {
        try (InputStream content = store.open(name)) {
            if (!Arrays.equals(content.readAllBytes(), expected)) {
                throw new IOException("what was read is not what was stored");
            }
        }
    }

    private interface Trial {
        void run() throws IOException;
    }

    private static Step attempt(Action action, Trial trial) {
        try {
            trial.run();
            return new Step(action, Optional.empty());
        } catch (IOException e) {
            return new Step(action, Optional.of(e));
        }
    }
}
