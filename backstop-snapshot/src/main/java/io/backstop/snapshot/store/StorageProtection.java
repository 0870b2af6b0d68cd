package io.backstop.snapshot.store;

import java.util.Objects;
import java.util.Optional;

/**
 * How a bucket keeps what was removed or written over, as far as it says. Immutable.
 *
 * @param versions whether it keeps older versions of its objects
 * @param lock whether its objects can be locked
 * @param byDefault the lock that it gives to every object by itself, in words; empty where it gives none
 * @param asked the lock that the address asks for, in words; empty where it asks for none
 */
public record StorageProtection(Answer versions, Answer lock, Optional<String> byDefault, Optional<String> asked) {
    public StorageProtection {
        Objects.requireNonNull(versions, "versions");
        Objects.requireNonNull(lock, "lock");
        Objects.requireNonNull(byDefault, "byDefault");
        Objects.requireNonNull(asked, "asked");
    }

    /** What the store answers. */
    public enum Answer {
        YES,
        NO,
        /** It does not let itself be asked. */
        UNKNOWN
    }
}
