package io.backstop.recovery.model;

import io.backstop.api.analysis.RelationName;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * A row that an undo does not touch, because somebody has written since what stands in its way. Immutable, thread-safe.
 *
 * <p>The values of its key are for the eyes of the operator who undoes: they are not in {@link #toString}, and belong in no log.
 *
 * @param table its table
 * @param key the columns of its key and their values as text, in the key's order; empty where the table has none
 * @param reason what stands in the way
 * @param constraint the constraint or index that tells, where it is one
 * @param rows how many rows it is about: 1, unless they have no key to be told apart by
 */
public record UndoConflict(
        RelationName table, Map<String, String> key, Reason reason, Optional<String> constraint, long rows) {
    public UndoConflict {
        Objects.requireNonNull(table, "table");
        key = Collections.unmodifiableMap(new LinkedHashMap<>(key));
        Objects.requireNonNull(reason, "reason");
        Objects.requireNonNull(constraint, "constraint");
    }

    @Override
    public String toString() {
        return "UndoConflict[" + table + ", " + reason + ", " + rows + "]";
    }

    /** What stands in the way of a row. */
    public enum Reason {
        CHANGED("was changed since"),
        GONE("was removed since, or has another key"),
        REWRITTEN("is there again, with other values"),
        VALUE_TAKEN("has a unique value that another row has taken since"),
        REFERENCE_GONE("refers to a row that is gone"),
        REFERENCED("would be removed, and another row refers to it since");

        private final String words;

        Reason(String words) {
            this.words = words;
        }

        /** For people, after the name of the row. */
        public String words() {
            return words;
        }
    }
}
