package io.backstop.recovery.model;

import io.backstop.snapshot.schema.TableDescription.Constraint;

/**
 * A foreign key that could not be made as it was, because the table, key or rows that it refers to are missing.
 * Immutable, thread-safe.
 *
 * @param key the key as stored
 * @param state what was done instead
 * @param reason why, in the server's words
 */
public record OpenForeignKey(Constraint key, State state, String reason) {
    public static final String NOT_VALID = " NOT VALID";

    /** The results that take its place. */
    public enum State {
        /** The table or key that it refers to is missing: it was not created. */
        LEFT_OUT("was left out"),
        /** Rows that it refers to are missing: it was created NOT VALID, and holds for new rows alone. */
        NOT_VALIDATED("was created without looking at the rows");

        private final String words;

        State(String words) {
            this.words = words;
        }
    }

    public String name() {
        return key.name();
    }

    /** A sentence for people. */
    public String warning() {
        return "foreign key " + name() + " " + state.words + ": " + reason;
    }
}
