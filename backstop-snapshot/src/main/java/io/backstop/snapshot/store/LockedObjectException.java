package io.backstop.snapshot.store;

import java.io.IOException;

/** Reports that the store keeps an object that was to be removed; it is there as before. */
public final class LockedObjectException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient ObjectLock lock;

    public LockedObjectException(String address, ObjectLock lock) {
        super("\"" + lock.name() + "\" in " + address + " is " + lock.words());
        this.lock = lock;
    }

    public ObjectLock lock() {
        return lock;
    }
}
