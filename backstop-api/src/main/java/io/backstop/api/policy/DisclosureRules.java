package io.backstop.api.policy;

import java.util.Objects;

/**
 * How much of values and rows is written down for operators. Immutable, thread-safe.
 *
 * @param values how bound values are recorded: {@code audit_parameters} of the file
 * @param sampleRows how many rows, before and after, a request for approval shows at most: {@code approval_sample_rows} of the
 *     file; from 0 to {@value #MOST_SAMPLE_ROWS}
 */
public record DisclosureRules(RecordedValues values, int sampleRows) {
    public static final int MOST_SAMPLE_ROWS = 100;

    public DisclosureRules {
        Objects.requireNonNull(values, "values");
        if (sampleRows < 0 || sampleRows > MOST_SAMPLE_ROWS) {
            throw new IllegalArgumentException("approval_sample_rows has to be between 0 and " + MOST_SAMPLE_ROWS);
        }
    }

    /** Nothing but digests. */
    public static DisclosureRules defaults() {
        return new DisclosureRules(RecordedValues.HASH, 0);
    }
}
