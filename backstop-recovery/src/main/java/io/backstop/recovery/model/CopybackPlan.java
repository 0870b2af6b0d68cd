package io.backstop.recovery.model;

import io.backstop.api.analysis.RelationName;

import java.util.List;
import java.util.Objects;

/**
 * A script that puts restored tables where their rows are missed, for review. It is one transaction, and nothing of it
 * has been run but in a transaction that was rolled back. It runs as it stands in psql, or as one string through JDBC (with {@code preferQueryMode=simple} if the
 * body of a function is in standard SQL: pgjdbc would split it at its semicolons). Immutable, thread-safe.
 *
 * @param parts what it does for each table, in its order
 * @param sql the script
 * @param warnings what it does not bring back, and why: one sentence each
 * @param rehearsal whether it works
 */
public record CopybackPlan(List<Part> parts, String sql, List<String> warnings, Rehearsal rehearsal) {
    public CopybackPlan {
        parts = List.copyOf(parts);
        Objects.requireNonNull(sql, "sql");
        warnings = List.copyOf(warnings);
        Objects.requireNonNull(rehearsal, "rehearsal");
    }

    /**
     * The script's work on one table.
     *
     * @param original the table that is missed
     * @param recovered the table that was made of its snapshot
     * @param rows what becomes of the rows that the snapshot holds
     */
    public record Part(RelationName original, RelationName recovered, Situation situation, CopybackCounts rows) {}

    /** The state of the database where the rows are missed, which decides what the script does. */
    public enum Situation {
        /** The table is gone: the restored one takes its place, under the original names. */
        GONE,
        /** The table is there: stored rows that it lacks are put back into it. */
        PRESENT,
        /** The table is there with other columns: it is set aside, and the restored one takes its place. */
        CHANGED,
        /** The table is there: it is set aside, the restored one takes its place, and its rows are merged into that. */
        REPLACED,
        /** It was a temporary table of a session: there is no place to put it back to, and the restored one stays. */
        TEMPORARY
    }
}
