package io.backstop.recovery.model;

import io.backstop.api.analysis.RelationName;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What an undo did, would do, or was refused for. Immutable, thread-safe.
 *
 * @param change the recovery group of the statement that is undone, {@code grp_…}
 * @param undo the name of the undo, by which it can be undone itself; empty where nothing was changed
 * @param outcome what came of it
 * @param tables the tables that the statement changed
 * @param conflicts rows that are not touched, {@value #MOST_CONFLICTS} of each table at most
 * @param notes facts that an operator should know besides
 */
public record UndoReport(
        String change,
        Optional<String> undo,
        Outcome outcome,
        List<Table> tables,
        List<UndoConflict> conflicts,
        List<String> notes) {
    /** Of so many rows of a table the keys are told; all are counted. */
    public static final int MOST_CONFLICTS = 1000;

    public UndoReport {
        Objects.requireNonNull(change, "change");
        Objects.requireNonNull(undo, "undo");
        Objects.requireNonNull(outcome, "outcome");
        tables = List.copyOf(tables);
        conflicts = List.copyOf(conflicts);
        notes = List.copyOf(notes);
    }

    /** Whether a row stands in the way. */
    public boolean hasConflicts() {
        return tables.stream().anyMatch(table -> table.conflicts() > 0);
    }

    /** How an undo ended. */
    public enum Outcome {
        /** It is committed. */
        UNDONE,
        /** It would work as the counts say; nothing was changed. */
        POSSIBLE,
        /** Rows were changed since, and nothing was changed. */
        REFUSED,
        /** All rows are as they were before the statement already. */
        NOTHING_TO_DO
    }

    /**
     * One table's rows.
     *
     * @param returned how many come back that were gone
     * @param updated how many get their earlier values back
     * @param removed how many go that the statement made
     * @param unchanged how many are as they were already
     * @param notTouched how many are stored that the statement did not change, and others have since
     * @param conflicts how many are left as they are, because they were changed since
     */
    public record Table(
            RelationName name,
            long returned,
            long updated,
            long removed,
            long unchanged,
            long notTouched,
            long conflicts) {
        public Table {
            Objects.requireNonNull(name, "name");
        }

        /** Whether there is something to do. */
        public boolean changes() {
            return returned + updated + removed > 0;
        }
    }
}
