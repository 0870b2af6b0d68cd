package io.backstop.api.policy;

import java.time.Duration;
import java.util.Objects;

/**
 * How many rows an agent may change within a time by ordinary writes, all of them together. Immutable, thread-safe.
 *
 * @param rows how many rows; at least 1
 * @param percent how many percent of any table's rows; 1 to 100
 * @param window the time that they are counted in; positive
 */
public record WriteBudget(long rows, int percent, Duration window) {
    public WriteBudget {
        Objects.requireNonNull(window, "window");
        if (rows < 1) {
            throw new IllegalArgumentException("rows of write_budget has to be at least 1");
        }
        if (percent < 1 || percent > 100) {
            throw new IllegalArgumentException("percent of write_budget has to be between 1 and 100");
        }
        if (window.isNegative() || window.isZero()) {
            throw new IllegalArgumentException("window_seconds of write_budget has to be at least 1");
        }
    }

    public static WriteBudget defaults() {
        return new WriteBudget(10_000, 50, Duration.ofHours(1));
    }
}
