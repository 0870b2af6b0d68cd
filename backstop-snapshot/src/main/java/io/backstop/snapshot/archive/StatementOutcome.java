package io.backstop.snapshot.archive;

/** How the statement ended that a snapshot was taken for, as far as that is known. */
public enum StatementOutcome {
    /** It was committed, or the snapshot was taken for none. */
    COMMITTED("committed"),
    /** It was rolled back: what the snapshot holds was not destroyed by it. */
    ROLLED_BACK("rolled back"),
    /** Its transaction is open still, or prepared. */
    IN_PROGRESS("in progress"),
    /** Neither the storage nor a server that was asked knows. */
    UNKNOWN("unknown");

    private final String words;

    StatementOutcome(String words) {
        this.words = words;
    }

    /** For people. */
    public String words() {
        return words;
    }

    /** Whether it can change no more. */
    public boolean isFinal() {
        return this == COMMITTED || this == ROLLED_BACK;
    }
}
