package io.backstop.api.analysis;

import java.util.Objects;
import java.util.Optional;

/**
 * Names what a statement takes a definition from, and no row, as far as its text says. Immutable, thread-safe.
 *
 * @param kind how the name is to be looked up
 * @param name as the statement wrote it
 * @param constraint the table's constraint that goes; empty where it is what has the name
 * @param cascade whether what depends on it goes as well
 */
public record RemovedDefinition(Kind kind, RelationName name, Optional<String> constraint, boolean cascade) {
    public RemovedDefinition {
        Objects.requireNonNull(constraint, "constraint");
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(name, "name");
    }

    /** The catalogs in which the name stands. */
    public enum Kind {
        /** A table that loses a part, or an index, view or sequence that goes, is altered or replaced. */
        RELATION,
        /** Extended statistics that go. */
        STATISTICS,
        /** Functions, procedures and aggregates that go, are altered or replaced: all of the name. */
        ROUTINE,
        /** A type or domain that goes or is altered. */
        TYPE
    }
}
