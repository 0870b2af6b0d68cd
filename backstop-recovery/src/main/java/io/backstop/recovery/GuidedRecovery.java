package io.backstop.recovery;

import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.internal.schema.StoredObjects;
import io.backstop.recovery.internal.select.SchemaSelection;
import io.backstop.recovery.internal.select.SnapshotSelection;
import io.backstop.recovery.internal.select.TableHistory;
import io.backstop.recovery.model.ConflictMode;
import io.backstop.recovery.model.CopybackPlan;
import io.backstop.recovery.model.HistoryEntry;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RecoveryPoint;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.recovery.model.RowVerification;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.key.KeyException;

import java.io.IOException;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Recovers a lost table by its name in one call: a validated copy of its newest snapshot, and a script that puts it
 * back. Thread-safe; a connection belongs to one call at a time.
 */
public final class GuidedRecovery {
    private final SnapshotArchive archive;
    private final CopybackPlanner planner;
    private final Restore restore;

    public GuidedRecovery(SnapshotArchive archive) {
        this(archive, new CopybackPlanner(ConflictMode.AS_FOUND));
    }

    public GuidedRecovery(SnapshotArchive archive, CopybackPlanner planner) {
        this(archive, planner, Connections.NONE);
    }

    /** @param connections where a second connection for large tables may come from */
    public GuidedRecovery(SnapshotArchive archive, CopybackPlanner planner, Connections connections) {
        this.archive = Objects.requireNonNull(archive, "archive");
        this.planner = Objects.requireNonNull(planner, "planner");
        this.restore = new Restore(archive, connections, RowVerification.EVERY_ROW);
    }

    private GuidedRecovery(SnapshotArchive archive, CopybackPlanner planner, Restore restore) {
        this.archive = archive;
        this.planner = planner;
        this.restore = restore;
    }

    /** The same, but copies of earlier recoveries that are in the way are replaced: see {@link Restore#replacing}. */
    public GuidedRecovery replacing() {
        return new GuidedRecovery(archive, planner, restore.replacing());
    }

    /**
     * Restores the newest snapshot of a table as {@code <table>_recovered}, reads every row back, and plans its way back. One
     * without rows is passed over while an older one has some, and an older one that has more rows is told. Where the table is
     * gone, only snapshots of the whole table count: one that holds rows of a single statement would bring back a part of it.
     * A partitioned table comes with all of its partitions, for its rows are in them.
     *
     * @param connection a plain connection to PostgreSQL in auto-commit; left so
     * @param table the table's name as one types it in SQL
     * @throws RecoveryException where no snapshot or several tables go by the name, or the restore fails; nothing is left
     *     of it then
     */
    public RecoveryReport recover(Connection connection, String table, RestoreProgress progress)
            throws RecoveryException {
        return recover(connection, table, Optional.empty(), progress);
    }

    /**
     * The same for a table as it was before a moment of its history.
     *
     * @param before the moment; where there is none, the newest snapshot is taken and older ones are told
     */
    public RecoveryReport recover(
            Connection connection, String table, Optional<RecoveryPoint> before, RestoreProgress progress)
            throws RecoveryException {
        List<String> notes = new ArrayList<>();
        SnapshotSelection selection = selection(connection, before, notes);
        return recover(connection, selection, selection.forTable(table), notes, progress);
    }

    /**
     * The history of a table by its snapshots, newest first, of which the oldest may be left out.
     *
     * @throws RecoveryException where no snapshot or several tables go by the name
     */
    public List<HistoryEntry> history(Connection connection, String table) throws RecoveryException {
        return TableHistory.of(
                archive,
                selection(connection, Optional.empty(), new ArrayList<>()).snapshotsOf(table));
    }

    /**
     * Restores the newest snapshot of a table together with all that was stored with it, each as {@code
     * <table>_recovered}, in one transaction, and plans their way back together.
     *
     * @throws RecoveryException as for one table
     */
    public RecoveryReport recoverGroup(Connection connection, String table, RestoreProgress progress)
            throws RecoveryException {
        return recoverGroup(connection, table, Optional.empty(), progress);
    }

    /** The same for a group as it was before a moment of the table's history. */
    public RecoveryReport recoverGroup(
            Connection connection, String table, Optional<RecoveryPoint> before, RestoreProgress progress)
            throws RecoveryException {
        List<String> notes = new ArrayList<>();
        SnapshotSelection selection = selection(connection, before, notes);
        return recover(connection, selection, selection.forGroup(table), notes, progress);
    }

    /**
     * Restores all tables of a schema of which something was stored since a moment, in one transaction, and plans their way
     * back together: rows and definitions as they were before that moment.
     *
     * @param schema its name, unquoted
     * @throws RecoveryException as for one table, or where nothing of the schema was stored since then
     */
    public RecoveryReport recoverSchema(
            Connection connection, String schema, RecoveryPoint before, RestoreProgress progress)
            throws RecoveryException {
        List<String> notes = new ArrayList<>();
        SchemaSelection selection = new SchemaSelection(archive, contents(), connection, before, notes);
        List<SnapshotManifest> chosen = selection.of(schema);
        StoredObjects objects = selection.objects(schema);
        GuidedRecovery ofObjects = new GuidedRecovery(archive, planner.with(objects), restore.with(objects));
        RecoveryReport report = ofObjects.recoverWhatCanBe(connection, selection, chosen, notes, progress);
        // What is said of the whole storage is said once for each table.
        return new RecoveryReport(report.tables(), report.copyback(), List.copyOf(new LinkedHashSet<>(report.notes())));
    }

    /** One that cannot be restored does not keep the others from it, and is named. */
    private RecoveryReport recoverWhatCanBe(
            Connection connection,
            SchemaSelection selection,
            List<SnapshotManifest> chosen,
            List<String> notes,
            RestoreProgress progress)
            throws RecoveryException {
        List<SnapshotManifest> left = chosen;
        while (true) {
            List<String> told = new ArrayList<>(notes);
            try {
                return recover(connection, selection.tables(), left, notes, progress);
            } catch (RecoveryException e) {
                if (e.snapshotId().isEmpty()) {
                    throw e;
                }
                notes.clear();
                notes.addAll(told);
                left = selection.without(e.snapshotId().get(), e);
                if (left.isEmpty()) {
                    throw e;
                }
            }
        }
    }

    private RecoveryReport recover(
            Connection connection,
            SnapshotSelection selection,
            List<SnapshotManifest> chosen,
            List<String> notes,
            RestoreProgress progress)
            throws RecoveryException {
        Map<SnapshotManifest, SnapshotManifest> definitions = selection.definitions(chosen);
        List<RestoredTable> tables = chosen.isEmpty()
                ? List.of()
                : restore.defining(definitions).restoreTogether(connection, Restore.defaultTargets(chosen), progress);
        for (RestoredTable table : tables) {
            if (table.foundThere()) {
                notes.add(table.target() + " was restored before, and still is what "
                        + table.manifest().snapshotId() + " holds");
            }
            table.created().forEach(what -> notes.add(what + " was missing and created for " + table.target()));
            table.warnings().forEach(warning -> notes.add(table.target() + ": " + warning));
        }
        CopybackPlan plan = (selection.isOfMoment() ? planner.completing(selection.later(chosen)) : planner)
                .plan(connection, tables);
        notes.addAll(plan.warnings());
        return new RecoveryReport(tables, plan, notes);
    }

    private SnapshotSelection selection(Connection connection, Optional<RecoveryPoint> before, List<String> notes)
            throws RecoveryException {
        return new SnapshotSelection(archive, contents(), connection, before, notes);
    }

    private SnapshotArchive.Contents contents() throws RecoveryException {
        try {
            return archive.contents();
        } catch (KeyException e) {
            throw new RecoveryException(e.problem(), e.hint(), e);
        } catch (IOException e) {
            throw new RecoveryException(
                    "the storage cannot be read: " + e.getMessage(),
                    "see whether its address is right and can be reached with these credentials",
                    e);
        }
    }

    /**
     * The snapshots of a table that were taken in the connection's database and on its server, or those of another one where
     * none was.
     *
     * @param newestFirst at least one
     * @param notes are added to, where snapshots were passed over, or there is none of this database
     * @return at least one, in the same order
     * @throws RecoveryException where the connection cannot tell its database, or they are of several servers or histories,
     *     none of which is known to be its own
     */
    public static List<SnapshotManifest> ofDatabase(
            Connection connection, List<SnapshotManifest> newestFirst, List<String> notes) throws RecoveryException {
        return SnapshotSelection.ofDatabase(connection, newestFirst, notes);
    }
}
