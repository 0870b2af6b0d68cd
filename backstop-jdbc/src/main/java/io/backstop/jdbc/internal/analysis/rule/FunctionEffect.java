package io.backstop.jdbc.internal.analysis.rule;

import java.util.Locale;
import java.util.Optional;

/** What one of PostgreSQL's own functions does, as it was reviewed. Immutable, thread-safe. */
public enum FunctionEffect {
    HARMLESS(Optional.empty()),
    CHANGES_DATA(Optional.of(Rule.ADMINISTRATIVE_FUNCTION)),
    CHANGES_SERVER_STATE(Optional.of(Rule.ADMINISTRATIVE_FUNCTION)),
    READS_FILES(Optional.of(Rule.ADMINISTRATIVE_FUNCTION)),
    RUNS_TEXT(Optional.of(Rule.QUERY_FROM_TEXT));

    private final Optional<Rule> rule;

    FunctionEffect(Optional<Rule> rule) {
        this.rule = rule;
    }

    /** The rule that a call fires where the review names no other. */
    Optional<Rule> rule() {
        return rule;
    }

    static FunctionEffect of(String word) {
        return valueOf(word.toUpperCase(Locale.ROOT).replace('-', '_'));
    }
}
