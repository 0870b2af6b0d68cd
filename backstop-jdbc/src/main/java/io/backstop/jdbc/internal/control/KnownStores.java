package io.backstop.jdbc.internal.control.sqlite;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The stores that were opened at each place, for as long as this object lives: a place that held a store is not taken for
 * a new one after that store was closed either. Thread-safe.
 */
public final class KnownStores {
    private final Map<Path, StoreContinuity> stores = new ConcurrentHashMap<>();

    /** @param file where the store is */
    public StoreContinuity at(Path file) {
        return stores.computeIfAbsent(file.toAbsolutePath().normalize(), place -> new StoreContinuity());
    }
}
