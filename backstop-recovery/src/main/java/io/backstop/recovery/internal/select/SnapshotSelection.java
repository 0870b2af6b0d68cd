package io.backstop.recovery.internal.select;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.api.snapshot.SnapshotManifest.Source;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.sql.ServerErrors;
import io.backstop.recovery.model.ConnectedDatabase;
import io.backstop.recovery.model.HistoryEntry;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RecoveryPoint;
import io.backstop.recovery.model.TableReference;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.archive.StatementOutcome;
import io.backstop.snapshot.describe.TransactionOutcomes;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;

/**
 * Decides which snapshots a recovery restores where a table is named and no snapshot is. Belongs to one recovery.
 *
 * <ol>
 *   <li>Candidates are the valid snapshots of the table, newest first.
 *   <li>Those that were taken in the connection's database precede all others: the others count only if it has none. So do
 *       those of its server, in its present history; others count only if they are all of one.
 *   <li>Undecided ones do not count where the server says that their statement is open or was rolled back: what they hold
 *       was not destroyed by it. Where it does not know, they count and are named.
 *   <li>If the table is gone, those of single rows are left out: they would bring back a part of it.
 *   <li>The newest of what is left is taken, but not one without rows while an older one has some: a DELETE that is sent
 *       again, or a snapshot that is taken after the loss, would else hide what is missed.
 *   <li>Snapshots of other tables come with it: its partitions, or the rows of the same statement, or its whole group.
 * </ol>
 */
public final class SnapshotSelection {
    private final SnapshotArchive archive;
    /** What leaves a table its columns. */
    private static final Set<Destruction.Kind> OF_ROWS =
            EnumSet.of(Destruction.Kind.DELETE, Destruction.Kind.UPDATE, Destruction.Kind.TRUNCATE);

    private final OrdinaryWrites writes;
    private final SnapshotArchive.Contents contents;
    private final Connection connection;
    private final Optional<RecoveryPoint> before;
    private final List<String> notes;
    private final Set<String> toldGroups = new HashSet<>();

    /**
     * @param before where the newest snapshot is not wanted
     * @param contents what the archive holds
     * @param connection a plain connection to PostgreSQL in auto-commit; left so
     * @param notes are added to, where a snapshot was passed over or an operator may want another one
     */
    public SnapshotSelection(
            SnapshotArchive archive,
            SnapshotArchive.Contents contents,
            Connection connection,
            Optional<RecoveryPoint> before,
            List<String> notes) {
        this.archive = archive;
        this.writes = OrdinaryWrites.of(contents.valid());
        this.contents = withoutUndos(contents, before);
        this.connection = connection;
        this.before = before;
        this.notes = notes;
    }

    /**
     * What undos and ordinary writes changed is brought back by undoing these: it was not lost. What is of no table is found
     * by its schema.
     */
    private SnapshotArchive.Contents withoutUndos(SnapshotArchive.Contents contents, Optional<RecoveryPoint> before) {
        return new SnapshotArchive.Contents(
                contents.valid().stream()
                        .filter(manifest -> !manifest.holdsObject()
                                && (!manifest.servesUndoAlone() || writes.isAskedFor(manifest, before)))
                        .toList(),
                contents.undecided(),
                contents.broken());
    }

    /**
     * The snapshot of a table and those without which it would not come back whole, its own first.
     *
     * @param table the table's name as one types it in SQL
     * @throws RecoveryException where no snapshot or several tables go by the name, or none can be restored
     */
    public List<SnapshotManifest> forTable(String table) throws RecoveryException {
        Map<RelationName, String> others = new LinkedHashMap<>();
        List<SnapshotManifest> chosen = forTable(table, others);
        notes.addAll(others.values());
        return chosen;
    }

    /** @param others gets what is to be said of those that were stored with the table and do not come with it */
    List<SnapshotManifest> forTable(String table, Map<RelationName, String> others) throws RecoveryException {
        SnapshotManifest chosen = choose(table, false);
        if (chosen.holdsDefinitionsAlone()) {
            return List.of(chosen);
        }
        List<SnapshotManifest> group = group(chosen);
        // Rows of one statement, in the table and in its children, come back together.
        List<SnapshotManifest> together = chosen.coverage() == Coverage.ROWS
                ? group.stream()
                        .filter(manifest -> manifest.coverage() == Coverage.ROWS)
                        .toList()
                : withPartitions(List.of(chosen));
        group.stream()
                .filter(manifest -> !together.contains(manifest))
                .forEach(manifest -> others.put(
                        name(manifest),
                        name(manifest) + " was stored in the same recovery group (" + manifest.groupId()
                                + ") and is not restored by this"));
        return usable(together);
    }

    /**
     * The snapshot of a table and all that were stored with it, its own first.
     *
     * @throws RecoveryException as for one table
     */
    public List<SnapshotManifest> forGroup(String table) throws RecoveryException {
        SnapshotManifest chosen = choose(table, true);
        List<SnapshotManifest> group = group(chosen);
        return usable(chosen.holdsDefinitionsAlone() ? group : withPartitions(group));
    }

    /** Whether the tables are wanted as they were at a moment of their history, with all that they had then. */
    public boolean isOfMoment() {
        return before.isPresent();
    }

    /**
     * The definitions that the chosen tables had at the moment that was asked for, and lost one by one before their rows were
     * stored: the snapshots that hold them, by those that hold the rows. Says of each where it is from.
     */
    public Map<SnapshotManifest, SnapshotManifest> definitions(List<SnapshotManifest> chosen) throws RecoveryException {
        Map<SnapshotManifest, SnapshotManifest> definitions = new LinkedHashMap<>();
        if (before.isEmpty()) {
            return definitions;
        }
        RecoveryPoint since = inTime(before.get());
        for (SnapshotManifest rows : chosen) {
            if (rows.holdsDefinitionsAlone()) {
                notes.add(told(rows) + " of " + name(rows)
                        + " holds its definitions and no rows; the script gives the table those that it lacks");
                continue;
            }
            Optional<SnapshotManifest> earliest = committed(contents.valid().stream()
                            .filter(manifest -> isEarlier(manifest, rows) && since.isReachedBy(manifest))
                            .toList())
                    .stream()
                    .reduce((newer, older) -> older);
            if (earliest.isEmpty()) {
                continue;
            }
            Optional<String> obstacle = JoinedDefinitions.obstacle(earliest.get(), rows);
            if (obstacle.isPresent()) {
                notes.add("the definitions that " + told(earliest.get()) + " holds of " + name(rows) + " are left out: "
                        + obstacle.get());
            } else {
                notes.add("the rows of " + name(rows) + " are from " + told(rows) + ", and its definitions from "
                        + told(earliest.get()) + ", before they were removed one by one");
                tellUnauthenticated(earliest.get());
                definitions.put(rows, earliest.get());
            }
        }
        return definitions;
    }

    /** What was lost of the tables of snapshots after these, by their ids. */
    public Map<String, LaterStatements> later(List<SnapshotManifest> chosen) throws RecoveryException {
        Map<String, LaterStatements> later = new LinkedHashMap<>();
        for (SnapshotManifest rows : chosen) {
            List<SnapshotManifest> losses = committed(contents.valid().stream()
                    .filter(manifest -> name(manifest).equals(name(rows))
                            && manifest.database().equals(rows.database())
                            && manifest.server().equals(rows.server())
                            && manifest.createdAt().isAfter(rows.createdAt()))
                    .toList());
            later.put(rows.snapshotId(), LaterStatements.of(archive, losses, notes));
        }
        return later;
    }

    /** Its definitions run, too. */
    void tellUnauthenticated(SnapshotManifest definitions) {
        if (!archive.isAuthenticated(definitions)) {
            notes.add("snapshot " + definitions.snapshotId()
                    + " is not authenticated: a writer of the storage may have changed its definitions");
        }
    }

    private static boolean isEarlier(SnapshotManifest definitions, SnapshotManifest rows) {
        return definitions.holdsDefinitionsAlone()
                && name(definitions).equals(name(rows))
                && definitions.database().equals(rows.database())
                && definitions.server().equals(rows.server())
                && !definitions.createdAt().isAfter(rows.createdAt());
    }

    /** Those of which nothing says that their statement was rolled back or is under way. */
    List<SnapshotManifest> committed(List<SnapshotManifest> newestFirst) throws RecoveryException {
        List<SnapshotManifest> committed = new ArrayList<>();
        for (SnapshotManifest manifest : newestFirst) {
            StatementOutcome outcome = contents.undecided().contains(manifest.snapshotId())
                    ? outcome(manifest)
                    : StatementOutcome.COMMITTED;
            if (outcome == StatementOutcome.COMMITTED || outcome == StatementOutcome.UNKNOWN) {
                committed.add(manifest);
            }
        }
        return committed;
    }

    /** A statement that removed definitions alone is a moment in the history of rows, too. */
    private RecoveryPoint inTime(RecoveryPoint point) {
        List<SnapshotManifest> reached =
                contents.valid().stream().filter(point::isReachedBy).toList();
        return point instanceof RecoveryPoint.Statement
                        && !reached.isEmpty()
                        && reached.stream().allMatch(SnapshotManifest::holdsDefinitionsAlone)
                ? new RecoveryPoint.Time(reached.get(reached.size() - 1).createdAt())
                : point;
    }

    /** @param together whether all that was stored with the table comes back with it, whose rows then count too */
    private SnapshotManifest choose(String table, boolean together) throws RecoveryException {
        List<SnapshotManifest> all = snapshotsOf(table);
        RelationName found = name(all.get(0));
        boolean present = isPresent(found);
        List<SnapshotManifest> own = all.stream()
                .filter(manifest -> !manifest.holdsDefinitionsAlone())
                .toList();
        Optional<RecoveryPoint> since = before.map(this::inTime);
        Optional<SnapshotManifest> definitions = since.flatMap(point -> all.stream()
                .filter(manifest -> manifest.holdsDefinitionsAlone() && point.isReachedBy(manifest))
                .reduce((newer, older) -> older));
        boolean reachesRows = since.isEmpty() || own.stream().anyMatch(since.get()::isReachedBy);
        if (present && definitions.isPresent() && !reachesRows) {
            return definitions.get();
        }
        if (own.isEmpty()) {
            throw holdsDefinitionsAlone(all.get(0), present, present ? Optional.empty() : movedTo(all.get(0)));
        }
        List<SnapshotManifest> candidates = present ? own : ofWholeTable(found, own);
        if (since.isPresent()) {
            return before(since.get(), candidates, own);
        }
        SnapshotManifest chosen;
        if (together || isPartitioned(candidates.get(0))) {
            Map<String, Long> rows = contents.valid().stream()
                    .collect(Collectors.groupingBy(
                            SnapshotManifest::groupId, Collectors.summingLong(SnapshotManifest::rowCount)));
            chosen = newest(candidates, manifest -> rows.getOrDefault(manifest.groupId(), 0L), notes);
        } else {
            chosen = newest(candidates, SnapshotManifest::rowCount, notes);
        }
        tellOlder(chosen, all);
        return chosen;
    }

    /**
     * The snapshots of a table, newest first: at least one.
     *
     * @throws RecoveryException where no snapshot or several tables go by the name
     */
    public List<SnapshotManifest> snapshotsOf(String table) throws RecoveryException {
        Set<RelationName> tables = new LinkedHashSet<>();
        contents.valid().forEach(manifest -> tables.add(name(manifest)));
        RelationName found = TableReference.parse(table).among(tables, contents.broken());
        contents.broken().forEach(problem -> notes.add("a snapshot was passed over: " + problem));
        ConnectedDatabase database = database(connection);
        List<SnapshotManifest> named = named(
                database,
                contents.valid().stream()
                        .filter(manifest -> name(manifest).equals(found))
                        .toList(),
                notes);
        return withoutUncommitted(database, ServerSelection.of(database, ServerSelection.around(before, named), notes));
    }

    /** The oldest of those that were taken for what happened then, or later. */
    private SnapshotManifest before(RecoveryPoint point, List<SnapshotManifest> candidates, List<SnapshotManifest> own)
            throws RecoveryException {
        Optional<SnapshotManifest> chosen =
                oldestThatFits(candidates.stream().filter(point::isReachedBy).toList());
        if (chosen.isPresent()) {
            List<SnapshotManifest> between = own.subList(own.indexOf(chosen.get()) + 1, own.size()).stream()
                    .filter(point::isReachedBy)
                    .toList();
            // Rows of one statement come back together, by the name of any of their tables.
            between.stream()
                    .filter(rows -> toldGroups.add(rows.groupId()))
                    .forEach(rows -> notes.add(rows.snapshotId() + " of " + rows.createdAt()
                            + " holds only rows that one statement took after " + point
                            + ": once the table is in its place, put these back by `backstop recover --table "
                            + name(rows) + " --before " + rows.snapshotId() + " --replace-recovered`"
                            + (rows.operation().equals(Optional.of(Destruction.Kind.UPDATE))
                                    ? "; its script offers their values in a comment where it cannot tell who wrote those"
                                            + " that are there"
                                    : "")));
            tellNewer(chosen.get(), own);
            if (point instanceof RecoveryPoint.Time since) {
                tellWrites(chosen.get(), since);
            }
            return chosen.get();
        }
        writes.requireTaken(point);
        Optional<SnapshotManifest> rows =
                own.stream().filter(point::isReachedBy).findFirst();
        if (rows.isPresent()) {
            throw new RecoveryException(
                    "table " + name(rows.get()) + " is gone, and snapshot "
                            + rows.get().snapshotId() + " holds only the "
                            + rows.get().rowCount() + " rows that one statement took",
                    "recover the table without --before and run its script; then recover these rows by the same"
                            + " command");
        }
        if (point instanceof RecoveryPoint.Statement
                && contents.valid().stream().noneMatch(point::isReachedBy)) {
            throw new RecoveryException(
                    "there is no snapshot, group of snapshots or approval of one with the id " + point,
                    "`backstop snapshots list --table " + own.get(0).table() + "` shows those of table "
                            + name(own.get(0)));
        }
        throw new RecoveryException(
                "no snapshot of table " + name(own.get(0)) + " was taken for " + point + " or after it",
                "the newest is " + told(own.get(0)) + "; `backstop snapshots list --table "
                        + own.get(0).table() + "` shows all of them");
    }

    /**
     * Rows of single statements do not go into a table that a later statement took, or columns of it, whether by its own name
     * or with a type or schema that these were of: that one comes first.
     */
    private static Optional<SnapshotManifest> oldestThatFits(List<SnapshotManifest> newestFirst) {
        Optional<SnapshotManifest> oldest = newestFirst.stream().reduce((newer, older) -> older);
        return oldest.filter(manifest -> manifest.coverage() == Coverage.ROWS)
                .flatMap(rows -> newestFirst.stream()
                        .filter(manifest -> manifest.coverage() == Coverage.TABLE
                                && manifest.operation()
                                        .filter(kind -> !OF_ROWS.contains(kind))
                                        .isPresent())
                        .reduce((newer, older) -> older))
                .or(() -> oldest);
    }

    /** What was written between the moment and the snapshot is in it. */
    private void tellWrites(SnapshotManifest chosen, RecoveryPoint.Time since) {
        writes.told(name(chosen), chosen.database(), since.time(), chosen.createdAt())
                .ifPresent(notes::add);
    }

    /** What is left as it is. */
    void tellWrites(RelationName table, RecoveryPoint.Time since) throws RecoveryException {
        ConnectedDatabase database = database(connection);
        for (SnapshotManifest write : writes.newestFirst()) {
            if (name(write).equals(table) && database.isNamedBy(write)) {
                writes.told(table, write.database(), since.time(), Instant.MAX).ifPresent(notes::add);
                return;
            }
        }
    }

    /** The tables of a schema that ordinary writes changed since then. */
    Set<RelationName> writtenSince(String schema, RecoveryPoint.Time since) {
        return writes.tablesOf(schema, since.time());
    }

    /** What later statements took is not in it, unless it was there before. */
    private void tellNewer(SnapshotManifest chosen, List<SnapshotManifest> newestFirst) {
        List<HistoryEntry> newer =
                TableHistory.of(archive, newestFirst.subList(0, newestFirst.indexOf(chosen))).stream()
                        .filter(entry -> entry.manifest().source() == Source.INLINE)
                        .toList();
        if (newer.isEmpty()) {
            return;
        }
        String table = name(chosen).toString();
        notes.add((chosen.coverage() == Coverage.ROWS
                        ? "this brings back what " + told(chosen)
                                + " holds, and no more: what later statements took of " + table
                                + " is in newer snapshots. "
                        : "this is " + table + " as " + told(chosen)
                                + " has it: rows that came later, and were lost, are" + " in newer snapshots. ")
                + "Once the script has run, `recover --table " + table
                + " --before ID --replace-recovered` compares what"
                + " is there with what one of these holds:");
        newer.forEach(entry -> notes.add("  " + entry.words()
                + (entry.manifest().coverage() != Coverage.DEFINITIONS
                                && !entry.manifest().columns().equals(chosen.columns())
                        ? "; with other columns, so that it would take this table's place: compare the two instead"
                        : "")));
    }

    /** What was lost before the chosen snapshot was taken is not in it. */
    private void tellOlder(SnapshotManifest chosen, List<SnapshotManifest> newestFirst) {
        List<HistoryEntry> older =
                TableHistory.of(archive, newestFirst.subList(newestFirst.indexOf(chosen), newestFirst.size())).stream()
                        .skip(1)
                        .filter(entry -> entry.manifest().source() == Source.INLINE
                                || !entry.lost().isEmpty()
                                || entry.unreadable().isPresent())
                        .toList();
        if (older.isEmpty()) {
            return;
        }
        notes.add("this is the table as the newest snapshot has it, " + told(chosen)
                + "; what went before that is not in it, and older snapshots have it. `recover --before ID` takes one"
                + " of these:");
        older.forEach(entry -> notes.add("  " + entry.words()));
    }

    /** All of them where there would be none left. */
    private List<SnapshotManifest> withoutUncommitted(ConnectedDatabase database, List<SnapshotManifest> newestFirst)
            throws RecoveryException {
        List<SnapshotManifest> counting = new ArrayList<>();
        List<String> uncommitted = new ArrayList<>();
        for (SnapshotManifest manifest : newestFirst) {
            StatementOutcome outcome = contents.undecided().contains(manifest.snapshotId())
                    ? outcome(manifest)
                    : StatementOutcome.COMMITTED;
            if (outcome == StatementOutcome.ROLLED_BACK || outcome == StatementOutcome.IN_PROGRESS) {
                uncommitted.add(told(manifest) + " of " + name(manifest) + " was taken for a statement that "
                        + (outcome == StatementOutcome.ROLLED_BACK ? "was rolled back" : "is in progress"));
            } else {
                counting.add(manifest);
            }
            if (outcome == StatementOutcome.UNKNOWN) {
                notes.add(
                        told(manifest) + " of " + name(manifest) + " is undecided: neither the storage nor this server"
                                + " knows whether its statement was committed"
                                + manifest.server()
                                        .filter(taken -> database.server()
                                                .filter(taken::isSameAs)
                                                .isEmpty())
                                        .map(taken -> "; it was taken on " + taken + ", which this is not known to be")
                                        .orElse(""));
            }
        }
        uncommitted.forEach(note -> notes.add(counting.isEmpty() ? note : note + ", and was passed over"));
        return counting.isEmpty() ? newestFirst : counting;
    }

    private StatementOutcome outcome(SnapshotManifest manifest) throws RecoveryException {
        try {
            return TransactionOutcomes.of(connection, manifest);
        } catch (SQLException e) {
            throw ServerErrors.of(
                    "whether the statement of snapshot " + manifest.snapshotId()
                            + " was committed could not be found out",
                    e);
        }
    }

    /**
     * The snapshots of a table that were taken in the connection's database and on its server, or those of another one where
     * none was. Databases are told by their own names: a host has several, and another one after a failover.
     *
     * @param newestFirst at least one
     * @param notes are added to, where snapshots were passed over, or there is none of this database
     * @return at least one, in the same order
     * @throws RecoveryException where the connection cannot tell its database, or they are of several servers or histories,
     *     none of which is known to be its own
     */
    public static List<SnapshotManifest> ofDatabase(
            Connection connection, List<SnapshotManifest> newestFirst, List<String> notes) throws RecoveryException {
        ConnectedDatabase database = database(connection);
        return ServerSelection.of(database, named(database, newestFirst, notes), notes);
    }

    private static ConnectedDatabase database(Connection connection) throws RecoveryException {
        try {
            return ConnectedDatabase.read(connection);
        } catch (SQLException e) {
            throw ServerErrors.of("which database this is could not be found out", e);
        }
    }

    private static List<SnapshotManifest> named(
            ConnectedDatabase database, List<SnapshotManifest> newestFirst, List<String> notes) {
        List<SnapshotManifest> own =
                newestFirst.stream().filter(database::isNamedBy).toList();
        SnapshotManifest newest = newestFirst.get(0);
        if (own.isEmpty()) {
            notes.add("no snapshot of " + name(newest) + " was taken in database " + database.name() + "; "
                    + newest.snapshotId() + " is of " + newest.database());
            return newestFirst;
        }
        if (own.size() < newestFirst.size()) {
            notes.add(newestFirst.size() - own.size() + " snapshots of tables of that name in other databases were "
                    + "passed over");
        }
        return own;
    }

    /** Those that can take the place of a table that is gone. */
    private List<SnapshotManifest> ofWholeTable(RelationName table, List<SnapshotManifest> newestFirst)
            throws RecoveryException {
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
     * @param newestFirst what can be restored of one table, at least one
     * @param rows how many rows would come back with a snapshot
     * @param notes are added to, where one was passed over or an older one holds more rows
     */
    static SnapshotManifest newest(
            List<SnapshotManifest> newestFirst, ToLongFunction<SnapshotManifest> rows, List<String> notes) {
        SnapshotManifest newest = newestFirst.get(0);
        SnapshotManifest taken = newestFirst.stream()
                .filter(manifest -> rows.applyAsLong(manifest) > 0)
                .findFirst()
                .orElse(newest);
        if (!taken.equals(newest)) {
            notes.add(told(newest) + " is the newest of " + name(newest) + " and holds no rows, so " + told(taken)
                    + " was taken, which holds " + rows.applyAsLong(taken)
                    + "; if the table was rightly empty, restore "
                    + "the newest by " + command(newest));
        }
        mostOf(newestFirst.subList(newestFirst.indexOf(taken) + 1, newestFirst.size()), rows)
                .filter(most -> rows.applyAsLong(most) > rows.applyAsLong(taken))
                .ifPresent(most -> notes.add(told(most) + " is older and holds more rows of " + name(most) + ", "
                        + rows.applyAsLong(most) + "; if some of these are missed, restore it by " + command(most)));
        return taken;
    }

    /** The newest of those that hold the most. */
    private static Optional<SnapshotManifest> mostOf(
            List<SnapshotManifest> newestFirst, ToLongFunction<SnapshotManifest> rows) {
        return newestFirst.stream().reduce((a, b) -> rows.applyAsLong(b) > rows.applyAsLong(a) ? b : a);
    }

    /** The snapshots that were taken together, the one asked for first. */
    private List<SnapshotManifest> group(SnapshotManifest first) {
        List<SnapshotManifest> group = new ArrayList<>(List.of(first));
        contents.valid().stream()
                .filter(manifest -> manifest.groupId().equals(first.groupId())
                        && !name(manifest).equals(name(first)))
                .forEach(group::add);
        return group;
    }

    private List<SnapshotManifest> withPartitions(List<SnapshotManifest> snapshots) throws RecoveryException {
        return new PartitionSnapshots(archive, contents.valid(), notes).with(snapshots);
    }

    /** @throws RecoveryException where one holds single rows of a table that is gone */
    private List<SnapshotManifest> usable(List<SnapshotManifest> chosen) throws RecoveryException {
        for (SnapshotManifest manifest : chosen) {
            if (manifest.coverage() == Coverage.ROWS) {
                if (!isPresent(name(manifest))) {
                    throw holdsOnlyRows(manifest);
                }
                notes.add(manifest.snapshotId() + " of " + name(manifest) + " holds only the " + manifest.rowCount()
                        + " rows that one statement changed or deleted, as they were before it");
            }
        }
        return chosen;
    }

    private boolean isPresent(RelationName table) throws RecoveryException {
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

    private boolean isPartitioned(SnapshotManifest manifest) throws RecoveryException {
        return PartitionSnapshots.description(archive, manifest).partitionKey().isPresent();
    }

    /** The table itself, by its number, where it goes by another name now. */
    private Optional<String> movedTo(SnapshotManifest manifest) throws RecoveryException {
        if (manifest.identity().isEmpty()) {
            return Optional.empty();
        }
        SnapshotManifest.TableIdentity identity = manifest.identity().get();
        try (RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
            return transaction
                    .strings(
                            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_database d ON d.datname = current_database()"
                                    + " WHERE c.relkind IN ('r', 'p', 'f') AND d.oid::text = ? AND c.oid::text = ?",
                            Long.toString(identity.databaseOid()),
                            Long.toString(identity.tableOid()))
                    .stream()
                    .findFirst();
        } catch (SQLException e) {
            throw ServerErrors.of("whether table " + name(manifest) + " has another name could not be found out", e);
        }
    }

    private static RecoveryException holdsDefinitionsAlone(
            SnapshotManifest newest, boolean present, Optional<String> moved) {
        if (moved.isPresent()) {
            return new RecoveryException(
                    "table " + name(newest) + " is " + moved.get() + " by now, with its rows, and the snapshots hold"
                            + " definitions alone, the newest " + told(newest),
                    "move it or name it back by ALTER TABLE; `backstop recover --before ID` gives it then what it had"
                            + " before");
        }
        return new RecoveryException(
                "the snapshots of table " + name(newest) + " hold its definitions and no rows, the newest "
                        + told(newest),
                present
                        ? "`backstop recover --before ID` gives the table what it had before one of these; `backstop"
                                + " snapshots list --table " + newest.table() + "` shows them"
                        : "take the rows from a backup");
    }

    private static RecoveryException holdsOnlyRows(SnapshotManifest manifest) {
        return new RecoveryException(
                "table " + name(manifest) + " is gone, and snapshot " + manifest.snapshotId() + " holds only "
                        + manifest.rowCount() + " of its rows",
                "restore that snapshot by its id if these rows are what is missed, or the table from a backup");
    }

    private static String told(SnapshotManifest manifest) {
        return "snapshot " + manifest.snapshotId() + " of " + manifest.createdAt();
    }

    private static String command(SnapshotManifest manifest) {
        return "`backstop restore --snapshot-id " + manifest.snapshotId() + " --table " + manifest.table()
                + "` and its way back by `backstop restore-copyback-plan`";
    }

    private static RelationName name(SnapshotManifest manifest) {
        return RelationName.of(manifest.schema(), manifest.table());
    }
}
