package io.backstop.jdbc.internal.control;

import java.util.Objects;

/**
 * A store as one transaction saw it: which store it is, and the newest record of its audit log. Immutable, thread-safe.
 *
 * @param id the id that the store was given when it was made
 * @param sequence the number of the newest audit record, 0 where there is none
 * @param hash the hash of that record, empty where there is none
 */
public record StoreSighting(String id, long sequence, String hash) {
    public StoreSighting {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(hash, "hash");
    }

    /** Whether this one is of a state in which the other one, of the same store, had not been reached. */
    boolean isBefore(StoreSighting other) {
        return sequence < other.sequence || (sequence == other.sequence && !hash.equals(other.hash));
    }
}
