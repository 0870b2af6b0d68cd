package io.backstop.jdbc.internal.pipeline.catalog;

/** What is known of the code that runs by a name, from the best to the worst. */
enum Standing {
    /** Reviewed, or vouched for by the extension that it belongs to. */
    TRUSTED,
    /** The user's, and changes nothing as far as its definition says. */
    READS,
    /** May change anything. */
    CHANGES;

    Standing worse(Standing other) {
        return compareTo(other) >= 0 ? this : other;
    }
}
