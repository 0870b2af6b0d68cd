package io.backstop.recovery.internal.select;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.TableIdentity;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Sequence;

import java.util.List;
import java.util.Optional;

/**
 * Joins the rows of a snapshot with definitions that the same table had before, and lost one by one until the rows were
 * stored. Stateless.
 */
public final class JoinedDefinitions {
    private JoinedDefinitions() {}

    /** Why definitions cannot be given to the rows; empty where they can. */
    static Optional<String> obstacle(SnapshotManifest definitions, SnapshotManifest rows) {
        boolean same = definitions
                .identity()
                .flatMap(earlier -> rows.identity().map(later -> isSame(earlier, later)))
                .orElse(false);
        if (!same) {
            return Optional.of("they are of another table of that name");
        }
        return definitions.columns().equals(rows.columns())
                ? Optional.empty()
                : Optional.of("the table had other columns then");
    }

    /** Rewriting a table changes its file, and no definition. */
    private static boolean isSame(TableIdentity one, TableIdentity other) {
        return one.databaseOid() == other.databaseOid() && one.tableOid() == other.tableOid();
    }

    /** The table as it was defined earlier, but that no sequence goes back. */
    public static TableDescription join(TableDescription earlier, TableDescription later) {
        List<Sequence> sequences = earlier.sequences().stream()
                .map(sequence -> later.sequences().stream()
                        .filter(other -> other.schema().equals(sequence.schema())
                                && other.name().equals(sequence.name()))
                        .findFirst()
                        .map(other -> sequence.advancedTo(other))
                        .orElse(sequence))
                .toList();
        return earlier.withSequences(sequences);
    }
}
