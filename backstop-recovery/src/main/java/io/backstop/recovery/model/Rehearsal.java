package io.backstop.recovery.model;

/**
 * The outcome of running a script in a transaction that was rolled back. Immutable, thread-safe.
 */
public sealed interface Rehearsal {
    /** A line for people, without a period at its end. */
    String words();

    /** Every statement of it worked, on the tables as they were then. */
    record Passed() implements Rehearsal {
        @Override
        public String words() {
            return "rehearsed in a transaction that was rolled back: every statement works";
        }
    }

    /**
     * The script cannot run as it is.
     *
     * @param statement the beginning of the statement that fails
     * @param reason the server's own words
     * @param hint what to do next
     */
    record Failed(String statement, String reason, String hint) implements Rehearsal {
        /** Whether a row refers to one that is not there. */
        public boolean isOfForeignKey() {
            return reason.endsWith("(SQLSTATE 23503)");
        }

        @Override
        public String words() {
            return "rehearsed in a transaction that was rolled back: it fails at " + statement + ": " + reason;
        }
    }

    /**
     * Whether the script can run is not known.
     *
     * @param reason why it was not tried to its end
     */
    record NotDone(String reason) implements Rehearsal {
        @Override
        public String words() {
            return "not rehearsed: " + reason;
        }
    }
}
