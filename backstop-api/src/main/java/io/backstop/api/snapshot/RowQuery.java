package io.backstop.api.snapshot;

import java.util.Objects;

/**
 * A query for the rows that a statement would take: it answers with each row's {@code tableoid} and {@code ctid}, and
 * locks the row. {@code LIMIT} and a number can be appended. It holds the statement's values, so its text is for the
 * server alone, never for a log, a message or a file. Immutable, thread-safe.
 *
 * @param sql to be sent with the session's own settings, as the statement will be
 * @param exact whether the statement takes each of these rows; else it takes none but these
 */
public record RowQuery(String sql, boolean exact) {
    public RowQuery {
        Objects.requireNonNull(sql, "sql");
    }

    @Override
    public String toString() {
        return "RowQuery[]";
    }
}
