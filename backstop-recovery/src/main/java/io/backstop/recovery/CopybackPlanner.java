package io.backstop.recovery;

import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.recovery.internal.copyback.CopybackScript;
import io.backstop.recovery.internal.copyback.ForeignKeyOrder;
import io.backstop.recovery.internal.copyback.PlannedTable;
import io.backstop.recovery.internal.copyback.PresentTable;
import io.backstop.recovery.internal.copyback.ScriptRehearsal;
import io.backstop.recovery.internal.schema.StoredObjects;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.sql.ServerErrors;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.recovery.model.ConflictMode;
import io.backstop.recovery.model.CopybackPlan;
import io.backstop.recovery.model.CopybackPlan.Situation;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.Rehearsal;
import io.backstop.recovery.model.RestoredTable;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Compares restored tables with the database in which their rows are missed, and writes the script that puts the rows
 * back. It changes nothing itself: the script is rehearsed in a transaction that is rolled back. Thread-safe.
 */
public final class CopybackPlanner {
    private final ConflictMode differing;
    private final boolean rehearsing;
    private final boolean completing;
    private final StoredObjects objects;

    /** Rehearses every script that it writes. */
    public CopybackPlanner(ConflictMode differing) {
        this(differing, true);
    }

    /**
     * @param rehearsing whether a script is run in a transaction that is rolled back, to see whether it works; takes its locks,
     *     and about as long as it will
     */
    public CopybackPlanner(ConflictMode differing, boolean rehearsing) {
        this(differing, rehearsing, false, StoredObjects.NONE);
    }

    private CopybackPlanner(ConflictMode differing, boolean rehearsing, boolean completing, StoredObjects objects) {
        this.objects = objects;
        this.completing = completing;
        this.differing = Objects.requireNonNull(differing, "differing");
        this.rehearsing = rehearsing;
    }

    /** The same, but a table that is there gets the definitions that it lacks, which would be offered only. */
    CopybackPlanner completing() {
        return new CopybackPlanner(differing, rehearsing, true, objects);
    }

    /** The same, but these come back, too. */
    CopybackPlanner with(StoredObjects others) {
        return new CopybackPlanner(differing, rehearsing, completing, others);
    }

    /**
     * Writes the plan for the restored tables of one recovery group, or for one table.
     *
     * @param connection a plain connection in auto-commit, by preference of the one who will run the script; left so
     * @throws RecoveryException where a table's validation does not hold, which rows are missing cannot be told, or the
     *     database cannot be read
     */
    public CopybackPlan plan(Connection connection, List<RestoredTable> tables) throws RecoveryException {
        for (RestoredTable table : tables) {
            if (!table.validation().holds()) {
                throw new RecoveryException(
                        "table " + table.target() + " is not what its snapshot holds: "
                                + table.validation().failures().get(0),
                        "restore the snapshot again; there is no copyback of a table that differs");
            }
        }
        List<PlannedTable> planned = new ArrayList<>();
        List<String> left = new ArrayList<>();
        SqlScript script;
        List<String> warnings;
        List<CopybackPlan.Part> parts;
        try (RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
            for (RestoredTable table : ForeignKeyOrder.of(tables)) {
                try {
                    planned.add(planned(transaction, table));
                } catch (RecoveryException e) {
                    if (tables.size() == 1) {
                        throw e;
                    }
                    left.add("table " + table.original() + " is left as it is: " + e.problem() + "; " + e.hint());
                }
            }
            CopybackScript writer = new CopybackScript(transaction, planned, differing, completing, objects);
            script = writer.write();
            warnings = Stream.concat(left.stream(), writer.warnings().stream()).toList();
            parts = planned.stream()
                    .map(table -> table.part(writer.counts(table)))
                    .toList();
        } catch (SQLException e) {
            throw ServerErrors.ofPlan("the copyback plan could not be made", e);
        }
        Map<SqlScript.Attempt, String> failing = new LinkedHashMap<>();
        Rehearsal rehearsal = rehearsal(connection, script, failing);
        List<String> notes = new ArrayList<>(warnings);
        failing.forEach((attempt, why) ->
                notes.add(attempt.words() + " cannot be made now: " + why + "; the script has it in a comment"));
        return new CopybackPlan(parts, script.without(failing), notes, rehearsal);
    }

    private Rehearsal rehearsal(Connection connection, SqlScript script, Map<SqlScript.Attempt, String> failing)
            throws RecoveryException {
        if (!rehearsing) {
            return new Rehearsal.NotDone("that was not asked for");
        }
        try {
            return ScriptRehearsal.of(connection, script.steps(), failing);
        } catch (SQLException e) {
            throw ServerErrors.ofPlan("the copyback script could not be rehearsed", e);
        }
    }

    private static PlannedTable planned(RecoveryTransaction transaction, RestoredTable table)
            throws SQLException, RecoveryException {
        PlannedTable planned = new PlannedTable(
                table, table.wasTemporary() ? Optional.empty() : PresentTable.find(transaction, table.original()));
        if (table.manifest().holdsDefinitionsAlone() && planned.situation() != Situation.PRESENT) {
            throw new RecoveryException(
                    "snapshot " + table.manifest().snapshotId() + " holds the definitions of table " + table.original()
                            + " and none of its rows, and the table "
                            + (planned.present().isEmpty() ? "is gone" : "has other columns by now"),
                    "recover the table by a snapshot of its rows; what it was defined as is in " + table.target());
        }
        if (table.manifest().coverage() == Coverage.ROWS && planned.situation() != Situation.PRESENT) {
            throw new RecoveryException(
                    "snapshot " + table.manifest().snapshotId() + " holds only "
                            + table.manifest().rowCount()
                            + " rows of table " + table.original() + ", which "
                            + (planned.present().isEmpty()
                                    ? "is gone"
                                    : "has other columns by now (" + String.join("; ", planned.differences()) + ")"),
                    "they cannot take the table's place; they are in " + table.target()
                            + ": put them back by an INSERT of your own");
        }
        return planned;
    }
}
