package io.backstop.snapshot.store;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Future;

/**
 * Tries what snapshots ask of a store, with objects of its own that it removes again. Where removing is what does not work,
 * they stay; their names begin with {@value #PREFIX}, where no snapshot is looked for. A bucket that locks everything by
 * itself keeps one object of {@link #requireUsable} as long as it locks it, and those of {@link #run}, which a later run
 * removes. Stateless, thread-safe.
 */
public final class StorageProbe {
    static final String PREFIX = "probe/";

    /** Left in a bucket that locks everything, so that not every start leaves another one. */
    static final String LEFT = PREFIX + "left";

    private static final int RACERS = 4;
    private static final Duration UNDER_WAY = Duration.ofDays(1);

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
        /** To lock an object, where the store's address asks for it. */
        LOCK,
        /** To store an object. */
        WRITE,
        /** To be refused where there is one of that name already. */
        REFUSE_OVERWRITING,
        /** To let one win, of several who store an object of one name at the same time. */
        LET_ONE_WIN,
        /** To read what was stored. */
        READ,
        /** To store an object in place of another. */
        REPLACE,
        /** To remove an object. */
        DELETE
    }

    /**
     * What every start tries: to store an object, to be refused where there is one, to read it, to remove it, and the lock that
     * the address asks for.
     */
    public static void requireUsable(ObjectStore store) throws IOException {
        store.requireLock();
        if (store.lock(List.of(LEFT)).isPresent()) {
            requireRefusal(store, LEFT);
            requireContent(store, LEFT, FIRST);
            return;
        }
        String name = newName();
        store.putNew(name, ByteBuffer.wrap(FIRST));
        requireRefusal(store, name);
        requireContent(store, name, FIRST);
        if (!removed(store, name)) {
            removed(store, LEFT);
            store.put(LEFT, ByteBuffer.wrap(FIRST));
        }
    }

    private static String newName() {
        return PREFIX + UUID.randomUUID();
    }

    /** Whether nothing is left; a lock leaves it. */
    private static boolean removed(ObjectStore store, String name) throws IOException {
        try {
            store.delete(name);
            return true;
        } catch (LockedObjectException e) {
            return false;
        }
    }

    /** What came of it; what needs an object is left out where none could be stored, or not be locked. */
    public static List<Step> run(ObjectStore store) {
        String name = newName();
        List<Step> steps = new ArrayList<>();
        steps.add(attempt(Action.LIST, () -> store.list(PREFIX)));
        Step lock = attempt(Action.LOCK, store::requireLock);
        steps.add(lock);
        if (lock.problem().isPresent()) {
            return List.copyOf(steps);
        }
        Step write = attempt(Action.WRITE, () -> store.putNew(name, ByteBuffer.wrap(FIRST)));
        steps.add(write);
        if (write.problem().isEmpty()) {
            steps.add(attempt(Action.REFUSE_OVERWRITING, () -> requireRefusal(store, name)));
            steps.add(attempt(Action.LET_ONE_WIN, () -> requireOneWinner(store, name + "-race")));
            steps.add(attempt(Action.READ, () -> requireContent(store, name, FIRST)));
            steps.add(attempt(Action.REPLACE, () -> {
                store.put(name, ByteBuffer.wrap(SECOND));
                requireContent(store, name, SECOND);
            }));
            steps.add(attempt(Action.DELETE, () -> {
                removeEarlier(store);
                store.delete(name + "-race");
                store.delete(name);
                if (store.list(name).contains(name)) {
                    throw new IOException("the object is there after it was removed");
                }
            }));
        }
        return List.copyOf(steps);
    }

    /** What earlier probes could not remove, because it was locked. */
    private static void removeEarlier(ObjectStore store) throws IOException {
        Instant young = Instant.now().minus(UNDER_WAY);
        for (ObjectEntry entry : store.entries(PREFIX)) {
            if (entry.modified().isBefore(young)) {
                removed(store, entry.name());
            }
        }
    }

    /** A server may honour the condition when it looks, and not when it stores. */
    private static void requireOneWinner(ObjectStore store, String name) throws IOException {
        CyclicBarrier start = new CyclicBarrier(RACERS);
        int winners = 0;
        try (StoreExecutor threads = new StoreExecutor(RACERS)) {
            List<Future<Boolean>> racers = new ArrayList<>();
            for (int i = 0; i < RACERS; i++) {
                ByteBuffer content = ByteBuffer.wrap(("racer " + i).getBytes(StandardCharsets.US_ASCII));
                racers.add(threads.begin(() -> {
                    start.await();
                    return wins(store, name, content);
                }));
            }
            for (Future<Boolean> racer : racers) {
                winners += StoreExecutor.await(racer) ? 1 : 0;
            }
        }
        if (winners != 1) {
            throw new IOException(winners + " of " + RACERS + " who stored an object of one name at the same time"
                    + " were told that theirs was the first");
        }
    }

    private static boolean wins(ObjectStore store, String name, ByteBuffer content) throws IOException {
        try {
            store.putNew(name, content);
            return true;
        } catch (FileAlreadyExistsException e) {
            return false;
        }
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
