package io.backstop.api.analysis;

import java.util.Objects;

/**
 * Names what a statement takes a definition from, and no row, as far as its text says. Immutable, thread-safe.
 *
 * @param kind how the name is to be looked up
 * @param name as the statement wrote it
 * @param cascade whether what depends on it goes as well
 */
public record RemovedDefinition(Kind kind, RelationName name, boolean cascade) {
    public RemovedDefinition {
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(name, "name");
    }

    /** The catalogs in which the name stands. */
    public enum Kind {
        /** A table that loses a part, or an index, view or sequence that goes or is replaced. */
        RELATION,
        /** Extended statistics that go. */
        STATISTICS,
        /** Functions, procedures and aggregates that go or are replaced: all of the name. */
        ROUTINE,
        /** A type or domain that goes. */
        TYPE
    }
}
