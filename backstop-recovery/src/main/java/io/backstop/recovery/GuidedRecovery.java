package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.recovery.internal.select.PartitionSnapshots;
import io.backstop.recovery.internal.select.SnapshotSelection;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.sql.ServerErrors;
import io.backstop.recovery.model.ConflictMode;
import io.backstop.recovery.model.CopybackPlan;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.recovery.model.RowVerification;
import io.backstop.recovery.model.TableReference;
import io.backstop.snapshot.archive.SnapshotArchive;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Recovers a lost table by its name in one call: a validated copy of its newest snapshot, and a script that puts it
 * back. Thread-safe; a connection belongs to one call at a time.
 */
public final class GuidedRecovery {
    private static final Pattern SERVER = Pattern.compile("^(?:[^/]*/)?[^/]*:\\d+/");

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
        SnapshotArchive.Contents all = contents();
        List<String> notes = new ArrayList<>();
        SnapshotManifest chosen = choose(connection, all, table, false, notes);
        List<SnapshotManifest> group = group(all.valid(), chosen);
        // Rows of one statement, in the table and in its children, come back together.
        List<SnapshotManifest> together = chosen.coverage() == Coverage.ROWS
                ? group.stream()
                        .filter(manifest -> manifest.coverage() == Coverage.ROWS)
                        .toList()
                : new PartitionSnapshots(archive, all.valid(), notes).with(List.of(chosen));
        group.stream()
                .filter(manifest -> !together.contains(manifest))
                .forEach(manifest -> notes.add(notRestored(manifest)));
        return recover(connection, together, notes, progress);
    }

    /**
     * Restores the newest snapshot of a table together with all that was stored with it, each as {@code
     * <table>_recovered}, in one transaction, and plans their way back together.
     *
     * @throws RecoveryException as for one table
     */
    public RecoveryReport recoverGroup(Connection connection, String table, RestoreProgress progress)
            throws RecoveryException {
        SnapshotArchive.Contents all = contents();
        List<String> notes = new ArrayList<>();
        SnapshotManifest chosen = choose(connection, all, table, true, notes);
        List<SnapshotManifest> group = group(all.valid(), chosen);
        return recover(connection, new PartitionSnapshots(archive, all.valid(), notes).with(group), notes, progress);
    }

    private RecoveryReport recover(
            Connection connection, List<SnapshotManifest> chosen, List<String> notes, RestoreProgress progress)
            throws RecoveryException {
        for (SnapshotManifest manifest : chosen) {
            if (manifest.coverage() == Coverage.ROWS) {
                if (!isThere(connection, name(manifest))) {
                    throw holdsOnlyRows(manifest);
                }
                notes.add(manifest.snapshotId() + " of " + name(manifest) + " holds only the " + manifest.rowCount()
                        + " rows that one statement changed or deleted, as they were before it");
            }
        }
        List<RestoredTable> tables = restore.restoreTogether(connection, Restore.defaultTargets(chosen), progress);
        for (RestoredTable table : tables) {
            table.created().forEach(what -> notes.add(what + " was missing and created for " + table.target()));
            table.warnings().forEach(warning -> notes.add(table.target() + ": " + warning));
        }
        CopybackPlan plan = planner.plan(connection, tables);
        notes.addAll(plan.warnings());
        return new RecoveryReport(tables, plan, notes);
    }

    /** @param together whether all that was stored with the table comes back with it, whose rows then count too */
    private SnapshotManifest choose(
            Connection connection, SnapshotArchive.Contents all, String table, boolean together, List<String> notes)
            throws RecoveryException {
        Set<RelationName> tables = new LinkedHashSet<>();
        all.valid().forEach(manifest -> tables.add(name(manifest)));
        RelationName found = TableReference.parse(table).among(tables, all.broken());
        all.broken().forEach(problem -> notes.add("a snapshot was passed over: " + problem));
        List<SnapshotManifest> own = ofDatabase(
                connection,
                all.valid().stream()
                        .filter(manifest -> name(manifest).equals(found))
                        .toList(),
                notes);
        List<SnapshotManifest> fitting = isThere(connection, found) ? own : ofTheWhole(found, own, notes);
        if (together || isPartitioned(fitting.get(0))) {
            Map<String, Long> rows = all.valid().stream()
                    .collect(Collectors.groupingBy(
                            SnapshotManifest::groupId, Collectors.summingLong(SnapshotManifest::rowCount)));
            return SnapshotSelection.newest(fitting, manifest -> rows.getOrDefault(manifest.groupId(), 0L), notes);
        }
        return SnapshotSelection.newest(fitting, SnapshotManifest::rowCount, notes);
    }

    /** Those that can take the place of a table that is gone. */
    private static List<SnapshotManifest> ofTheWhole(
            RelationName table, List<SnapshotManifest> newestFirst, List<String> notes) throws RecoveryException {
        List<SnapshotManifest> whole = newestFirst.stream()
                .filter(manifest -> manifest.coverage() == Coverage.TABLE)
                .toList();
        if (whole.isEmpty()) {
            throw holdsOnlyRows(newestFirst.get(0));
        }
        List<SnapshotManifest> newer = newestFirst.subList(0, newestFirst.indexOf(whole.get(0)));
        if (!newer.isEmpty()) {
            notes.add("newer snapshots of " + table
                    + " hold only rows of single statements and were passed over, because the "
                    + "table is gone: "
                    + newer.stream().map(SnapshotManifest::snapshotId).collect(Collectors.joining(", ")));
        }
        return whole;
    }

    /**
     * The snapshots of a table that were taken in the connection's database, or all of them where none was.
     * Databases are told by their own names: a host has several, and another one after a failover.
     *
     * @param newestFirst at least one
     * @param notes are added to, where snapshots were passed over, or there is none of this database
     * @return at least one, in the same order
     * @throws RecoveryException where the connection cannot tell its database
     */
    public static List<SnapshotManifest> ofDatabase(
            Connection connection, List<SnapshotManifest> newestFirst, List<String> notes) throws RecoveryException {
        String database;
        try {
            database = connection.getCatalog();
        } catch (SQLException e) {
            throw ServerErrors.of("the database's name could not be found out", e);
        }
        List<SnapshotManifest> own = newestFirst.stream()
                .filter(manifest -> isOf(manifest.database(), database))
                .toList();
        SnapshotManifest newest = newestFirst.get(0);
        if (own.isEmpty()) {
            notes.add("no snapshot of " + name(newest) + " was taken in database " + database + "; "
                    + newest.snapshotId() + " is of " + newest.database());
            return newestFirst;
        }
        if (own.size() < newestFirst.size()) {
            notes.add(newestFirst.size() - own.size() + " snapshots of tables of that name in other databases were "
                    + "passed over");
        }
        return own;
    }

    /**
     * @param stored {@code [environment/]host:port/database}, or the cluster's id in place of host and port
     * @param database a database's own name, in which there may be a slash as well
     */
    private static boolean isOf(String stored, String database) {
        if (!stored.endsWith("/" + database)) {
            return false;
        }
        String place = stored.substring(0, stored.length() - database.length());
        Matcher server = SERVER.matcher(place);
        return !server.find() || server.end() == place.length();
    }

    private static RecoveryException holdsOnlyRows(SnapshotManifest manifest) {
        return new RecoveryException(
                "table " + name(manifest) + " is gone, and snapshot " + manifest.snapshotId() + " holds only "
                        + manifest.rowCount() + " of its rows",
                "restore that snapshot by its id if these rows are what is missed, or the table from a backup");
    }

    private static boolean isThere(Connection connection, RelationName table) throws RecoveryException {
        try (RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
            return transaction.holds(
                    "EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                            + "WHERE n.nspname = ? AND c.relname = ? AND c.relkind IN ('r', 'p', 'f'))",
                    table.schema().orElseThrow(),
                    table.name());
        } catch (SQLException e) {
            throw ServerErrors.of("whether table " + table + " is there could not be found out", e);
        }
    }

    /** The snapshots that were taken together, the one asked for first. */
    private static List<SnapshotManifest> group(List<SnapshotManifest> all, SnapshotManifest first) {
        List<SnapshotManifest> group = new ArrayList<>(List.of(first));
        all.stream()
                .filter(manifest -> manifest.groupId().equals(first.groupId())
                        && !name(manifest).equals(name(first)))
                .forEach(group::add);
        return group;
    }

    private static String notRestored(SnapshotManifest manifest) {
        return name(manifest) + " was stored in the same recovery group (" + manifest.groupId()
                + ") and is not restored by this";
    }

    private boolean isPartitioned(SnapshotManifest manifest) throws RecoveryException {
        return PartitionSnapshots.description(archive, manifest).partitionKey().isPresent();
    }

    private SnapshotArchive.Contents contents() throws RecoveryException {
        try {
            return archive.contents();
        } catch (IOException e) {
            throw new RecoveryException(
                    "the storage cannot be read: " + e.getMessage(),
                    "see whether its address is right and can be reached with these credentials",
                    e);
        }
    }

    private static RelationName name(SnapshotManifest manifest) {
        return RelationName.of(manifest.schema(), manifest.table());
    }
}
