package io.backstop.api.policy;

import java.time.Duration;

/**
 * The rules for agents whose statements are blocked or denied repeatedly. Immutable, thread-safe.
 *
 * @param maxBlockedAttempts how many refused statements within the window put it in quarantine; 0 for never
 * @param window the window that they are counted in; positive
 * @param duration how long the quarantine lasts; positive
 * @param blocksSafeQueries whether an agent in quarantine may not even read
 */
public record QuarantineRules(int maxBlockedAttempts, Duration window, Duration duration, boolean blocksSafeQueries) {
    public QuarantineRules {
        if (maxBlockedAttempts < 0) {
            throw new IllegalArgumentException("max_blocked_attempts_per_window has to be at least 0");
        }
        if (window.isNegative() || window.isZero()) {
            throw new IllegalArgumentException("dangerous_retry_window_seconds has to be at least 1");
        }
        if (duration.isNegative() || duration.isZero()) {
            throw new IllegalArgumentException("quarantine_duration_seconds has to be at least 1");
        }
    }

    public static QuarantineRules defaults() {
        return new QuarantineRules(3, Duration.ofMinutes(10), Duration.ofMinutes(30), false);
    }

    /** The same rules, by which no agent is ever put in quarantine. */
    public QuarantineRules never() {
        return new QuarantineRules(0, window, duration, blocksSafeQueries);
    }

    /** Whether there is a quarantine at all. */
    public boolean enabled() {
        return maxBlockedAttempts > 0;
    }
}
