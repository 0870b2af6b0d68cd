package io.backstop.jdbc.internal.pipeline.catalog;

import java.util.Optional;
import java.util.Set;

/**
 * What was read from a catalog. Immutable apart from what its names remember, thread-safe.
 *
 * @param fingerprint what changes with the catalog
 * @param remote what reaches foreign tables; empty where there are none that matter
 * @param uncounted functions under which rows cannot be counted
 * @param readAt in milliseconds of the clock
 */
record CatalogState(
        CatalogReader.Fingerprint fingerprint,
        CatalogNames names,
        Optional<RemoteSide> remote,
        Set<String> uncounted,
        long readAt) {}
