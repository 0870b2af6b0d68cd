package io.backstop.recovery.internal.undo;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.recovery.internal.sql.RowTransactions;
import io.backstop.snapshot.archive.CommitMark.StatementCounts;

import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Stored rows of one table that a statement changed, and what is known of what it did to them. Immutable.
 *
 * @param effect what it did to them
 * @param numbers the {@code xmin} of rows that the statement alone made; empty where they are not known, or other statements of
 *     its transaction made rows under the same
 * @param counts how many rows of the table it wrote
 * @param oldestRunning a row with an older {@code xmin} was there as it is when the statement had run
 */
record UndonePart(
        SnapshotManifest manifest,
        Effect effect,
        Set<String> numbers,
        Optional<StatementCounts> counts,
        Optional<String> oldestRunning) {
    UndonePart {
        numbers = Set.copyOf(numbers);
    }

    RelationName name() {
        return RelationName.of(manifest.schema(), manifest.table());
    }

    /** Whether the statement is known to have changed each stored row in this way. */
    boolean isOfEachRow() {
        return manifest.coverage() != Coverage.TABLE
                || manifest.operation()
                        .filter(kind -> kind == Destruction.Kind.TRUNCATE)
                        .isPresent()
                || counts.filter(all -> all.deleted() == manifest.rowCount() && all.inserted() == 0)
                        .isPresent();
    }

    /** A condition for rows, as {@code present}, that may have been written after the statement: a younger transaction's. */
    String mayBeWrittenSince() {
        return oldestRunning.map(RowTransactions::notBefore).orElse("true");
    }

    /** What a statement did to stored rows. */
    enum Effect {
        /** They are stored as they were, and were gone after it. */
        REMOVED,
        /** They are stored as they were, and had other values after it. */
        CHANGED,
        /** They are stored as it made them. */
        MADE;

        String sql() {
            return "'" + name().toLowerCase(Locale.ROOT) + "'";
        }
    }
}
