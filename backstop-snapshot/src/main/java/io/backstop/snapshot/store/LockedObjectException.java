package io.backstop.snapshot.store;

import java.io.IOException;
import java.util.Collection;
import java.util.Optional;

/** Reports that the store keeps an object that was to be removed; it is there as before. */
public final class LockedObjectException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient ObjectLock lock;

    public LockedObjectException(String address, ObjectLock lock) {
        super("\"" + lock.name() + "\" in " + address + " is " + lock.words());
        this.lock = lock;
    }

    /** Fails where something is left, with the lock that ends last. */
    public static void requireNone(String address, Collection<ObjectLock> left) throws LockedObjectException {
        Optional<ObjectLock> last = left.stream().max(ObjectLock.BY_END);
        if (last.isPresent()) {
            throw new LockedObjectException(address, last.get());
        }
    }

    public ObjectLock lock() {
        return lock;
    }
}
