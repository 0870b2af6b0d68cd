package io.backstop.jdbc.internal.control;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The stores that were opened at each place, for as long as this object lives: a place that held a store is not taken for
 * a new one after that store was closed either. Thread-safe.
 */
public final class KnownStores {
    private final Map<String, StoreContinuity> stores = new ConcurrentHashMap<>();

    /** @param place where the store is; the same for all that mean the same store */
    public StoreContinuity at(String place) {
        return stores.computeIfAbsent(place, newPlace -> new StoreContinuity());
    }
}
