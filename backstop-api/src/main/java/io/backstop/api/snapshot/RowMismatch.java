package io.backstop.api.snapshot;

import java.util.Objects;

/**
 * Reports that a statement took other rows than those that were saved for it one by one. Immutable, thread-safe.
 *
 * @param table the table that the statement names, {@code schema.name}
 * @param saved how many of its rows were saved
 * @param gone how many of those the statement took
 * @param taken how many rows of the table it took in all; that counts also what a trigger did to them
 * @param byOthers whether triggers stand by that may have done it, so that it would be the same again
 */
public record RowMismatch(String table, long saved, long gone, long taken, boolean byOthers) {
    public RowMismatch {
        Objects.requireNonNull(table, "table");
    }
}
