package io.backstop.jdbc.internal.control;

import io.backstop.api.error.ControlStoreUnavailableException;

/** The refusals to take what is in a store's place for that store, in the words of its database. Immutable, thread-safe. */
public interface StoreLoss {
    /** There is a place for a store, without the tables of one. */
    ControlStoreUnavailableException emptied();

    /** There is a store, and it is another one. */
    ControlStoreUnavailableException replaced();

    /** @param sequence the newest audit record that this process knows of */
    ControlStoreUnavailableException setBack(long sequence);
}
