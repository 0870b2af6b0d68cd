package io.backstop.api.analysis;

import java.util.regex.Pattern;

/**
 * The permanent name of a rule, in kebab-case: {@code drop-table}. A rule about a statement's text has a page of the
 * same name in docs/rules. Immutable, thread-safe.
 */
public record RuleId(String value) {
    private static final Pattern KEBAB = Pattern.compile("[a-z][a-z0-9]*(-[a-z0-9]+)*");

    public RuleId {
        if (!KEBAB.matcher(value).matches()) {
            throw new IllegalArgumentException("rule id is not kebab-case: " + value);
        }
    }

    @Override
    public String toString() {
        return value;
    }
}
