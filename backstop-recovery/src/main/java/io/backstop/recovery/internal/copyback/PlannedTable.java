package io.backstop.recovery.internal.copyback;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest.TableIdentity;
import io.backstop.recovery.internal.select.LaterStatements;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.model.ConflictMode;
import io.backstop.recovery.model.CopybackCounts;
import io.backstop.recovery.model.CopybackPlan.Part;
import io.backstop.recovery.model.CopybackPlan.Situation;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.schema.TableDescription.Dependent;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A restored table and the one whose rows it holds, if that is still there.
 *
 * @param sameness whether the present one is that which was stored
 * @param later what was lost of it since, where it is to be as the snapshot has it
 * @param since what is merged into the restored one, where that is to take the present one's place
 */
public record PlannedTable(
        RestoredTable restored,
        Optional<PresentTable> present,
        Sameness sameness,
        LaterStatements later,
        Optional<RowsWrittenSince> since) {
    private static final String OID =
            "SELECT c.oid::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                    + "JOIN pg_database d ON d.datname = current_database() WHERE n.nspname = ? AND c.relname = ? "
                    + "AND d.oid::text = ?";

    private static final String NAME_NOW = "SELECT n.nspname, c.relname FROM pg_class c "
            + "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ?::oid AND c.relkind IN ('r', 'p') "
            + "AND (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) = ?::oid";

    /** Whether a present table is the one that was stored. */
    public enum Sameness {
        SAME,
        /** It was made again since. */
        ANOTHER,
        /** The snapshot does not say which table it is of, or is of another database. */
        UNKNOWN
    }

    /** Fails where something that is not a table has the name. */
    public static PlannedTable find(RecoveryTransaction transaction, RestoredTable restored, LaterStatements later)
            throws SQLException, RecoveryException {
        Optional<PresentTable> present =
                restored.wasTemporary() ? Optional.empty() : PresentTable.find(transaction, restored.original());
        return new PlannedTable(restored, present, sameness(transaction, restored), later, Optional.empty());
    }

    private static Sameness sameness(RecoveryTransaction transaction, RestoredTable restored) throws SQLException {
        if (restored.manifest().identity().isEmpty()) {
            return Sameness.UNKNOWN;
        }
        TableIdentity stored = restored.manifest().identity().get();
        List<String> oids = transaction.strings(
                OID, restored.manifest().schema(), restored.manifest().table(), Long.toString(stored.databaseOid()));
        if (oids.isEmpty()) {
            return Sameness.UNKNOWN;
        }
        return oids.contains(Long.toString(stored.tableOid())) ? Sameness.SAME : Sameness.ANOTHER;
    }

    /** The same, but the restored table takes the present one's place, and its rows are merged. */
    public PlannedTable replacing(RecoveryTransaction transaction, ConflictMode differing)
            throws SQLException, RecoveryException {
        return new PlannedTable(
                restored,
                present,
                sameness,
                later,
                Optional.of(RowsWrittenSince.of(
                        transaction, restored, present.orElseThrow(), sameness == Sameness.SAME, differing)));
    }

    /** Whether the present table is another one with room for the stored values, so that there are two ways to go on. */
    public boolean canBeCompletedOrReplaced() {
        return isMadeAgain() && canBeReplaced() && differences().isEmpty();
    }

    /** Whether the present table may make way: the stored one itself, with all of its columns, is only put right. */
    public boolean canBeReplaced() {
        return present.filter(table -> table.description().foreign().isEmpty()).isPresent()
                && isLocal()
                && (sameness != Sameness.SAME || !differences().isEmpty());
    }

    /** Whether the present table is another one than that which was stored. */
    boolean isMadeAgain() {
        return present.isPresent() && sameness == Sameness.ANOTHER;
    }

    /** @param rows what becomes of the stored rows */
    public Part part(CopybackCounts rows) {
        return new Part(restored.original(), restored.target(), situation(), rows);
    }

    public Situation situation() {
        if (restored.wasTemporary()) {
            return Situation.TEMPORARY;
        }
        if (since.isPresent()) {
            return Situation.REPLACED;
        }
        return present.map(p -> differences().isEmpty() ? Situation.PRESENT : Situation.CHANGED)
                .orElse(Situation.GONE);
    }

    /** Whether the present table is set aside, and the restored one takes its place. */
    boolean isSwapped() {
        return situation() == Situation.CHANGED || situation() == Situation.REPLACED;
    }

    /** What the table lost before it is replaced may not fit to what is there by now; what the script takes off, has to. */
    boolean canDoWithout(Dependent dependent) {
        return since.isPresent()
                && restored.description().dependents().contains(dependent)
                && present.stream()
                        .flatMap(table -> table.description().dependents().stream())
                        .noneMatch(now ->
                                now.kind() == dependent.kind() && now.identity().equals(dependent.identity()));
    }

    /** What the script does, for its head. */
    public String words() {
        return switch (situation()) {
            case GONE -> "the table is gone, so the restored one takes its place";
            case PRESENT ->
                isLocal()
                        ? "the table is there, so rows are put back into it"
                        : "the foreign table is there, with rows of another server, so nothing is done to it";
            case CHANGED -> "the table is there with other columns, so the two are swapped";
            case REPLACED -> "the table is there, so the two are swapped and its rows are merged, as was asked for";
            case TEMPORARY -> "it was a temporary table, so the restored one stays where it is";
        };
    }

    /** Whether its rows are in this database. */
    public boolean isLocal() {
        return restored.description().foreign().isEmpty();
    }

    public List<String> differences() {
        return present.map(p -> p.differences(restored.description())).orElse(List.of());
    }

    /** A table that is gone may have another name, with all that was written to it since: one sentence for each. */
    List<String> elsewhere(RecoveryTransaction transaction) throws SQLException {
        Optional<TableIdentity> identity = restored.manifest().identity();
        List<String> found = new ArrayList<>();
        if (situation() != Situation.GONE || identity.isEmpty()) {
            return found;
        }
        for (List<String> name : transaction.rows(
                NAME_NOW,
                Long.toString(identity.get().tableOid()),
                Long.toString(identity.get().databaseOid()))) {
            RelationName now = RelationName.of(name.get(0), name.get(1));
            found.add("table " + restored.original() + " seems to be there as " + now + ", renamed or moved since;"
                    + " this script makes a second one. To put rows back into " + now
                    + ", use `backstop restore-copyback-plan --source-table " + restored.target() + " --target-table "
                    + now + "` instead");
        }
        return found;
    }
}
