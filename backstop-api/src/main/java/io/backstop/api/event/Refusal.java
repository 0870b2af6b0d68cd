package io.backstop.api.event;

import io.backstop.api.error.BackstopException;

import java.util.Objects;

/**
 * The reason why a statement did not run, or was rolled back. Immutable, thread-safe.
 *
 * @param sqlState {@code ZB001} to {@code ZB010}
 * @param problem what was refused and why, as the caller read it, without the hint
 */
public record Refusal(String sqlState, String problem) {
    public Refusal {
        Objects.requireNonNull(sqlState, "sqlState");
        Objects.requireNonNull(problem, "problem");
    }

    public static Refusal of(BackstopException refusal) {
        return new Refusal(refusal.getSQLState(), refusal.problem());
    }
}
