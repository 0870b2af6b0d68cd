package io.backstop.recovery.internal.copyback;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.internal.copyback.PartComparison.Part;
import io.backstop.recovery.internal.copyback.PartComparison.Stage;
import io.backstop.recovery.internal.order.DependentOrder;
import io.backstop.recovery.internal.order.ForeignKeyOrder;
import io.backstop.recovery.internal.order.PartitionTree;
import io.backstop.recovery.internal.schema.MissingObject;
import io.backstop.recovery.internal.schema.PresentObject;
import io.backstop.recovery.internal.schema.SchemaDefaults;
import io.backstop.recovery.internal.schema.SequencePosition;
import io.backstop.recovery.internal.schema.StandaloneSequence;
import io.backstop.recovery.internal.schema.StoredObjects;
import io.backstop.recovery.internal.sql.DefaultPrivileges;
import io.backstop.recovery.internal.sql.MissingRequirements;
import io.backstop.recovery.internal.sql.NamesInUse;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.sql.TablespaceComparison;
import io.backstop.recovery.internal.text.FreeNames;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.recovery.model.ConflictMode;
import io.backstop.recovery.model.CopybackCounts;
import io.backstop.recovery.model.CopybackPlan.Situation;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.recovery.model.SequenceOwnership;
import io.backstop.snapshot.schema.DependentIdentity;
import io.backstop.snapshot.schema.DependentKind;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Dependent;
import io.backstop.snapshot.schema.TableDescription.Place;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;
import io.backstop.snapshot.schema.TableDescription.Sequence;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Writes the script of a copyback plan, part by part, from the planned tables in foreign-key order. Used once. */
public final class CopybackScript {
    private static final Set<DependentKind> ATTACHING =
            EnumSet.of(DependentKind.PARTITION_OF, DependentKind.INHERITS, DependentKind.INHERITED_PARTS);

    /** What is there by something else of another table's list, and then differs from it. */
    private static final Set<DependentKind> LAST =
            EnumSet.of(DependentKind.TRIGGER_STATE, DependentKind.ATTACHED_INDEX);

    private static final String IS_THERE =
            "EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                    + "WHERE n.nspname = ? AND c.relname = ?)";

    private final RecoveryTransaction transaction;
    private final List<PlannedTable> tables;
    private final List<RestoredTable> placed;
    private final List<PlannedTable> written;
    private final ConflictMode differing;
    private final boolean completing;
    private final StoredObjects objects;
    private final MissingRequirements needs;
    private final Map<PlannedTable, RowMergeScript> merges = new LinkedHashMap<>();
    private final SqlScript script = new SqlScript();
    private final List<String> warnings = new ArrayList<>();

    /** Tables of whose rows it cannot be told which are missing. */
    private final Set<PlannedTable> notMerged = new HashSet<>();

    /** What still has more than the present table once the script has run. */
    private final List<RestoredTable> incomplete = new ArrayList<>();

    /**
     * @param completing whether a table that is there gets the definitions that it lacks, which are only offered else
     * @param objects what belongs to no table and comes back, too
     */
    public CopybackScript(
            RecoveryTransaction transaction,
            List<PlannedTable> tables,
            ConflictMode differing,
            boolean completing,
            StoredObjects objects) {
        this.objects = objects;
        this.transaction = transaction;
        this.tables = tables;
        this.placed = tables.stream()
                .filter(t -> t.situation() == Situation.GONE || t.isSwapped())
                .map(PlannedTable::restored)
                .toList();
        this.written = tables.stream()
                .filter(t -> t.situation() == Situation.PRESENT && t.isLocal())
                .toList();
        this.differing = differing;
        this.completing = completing;
        this.needs = new MissingRequirements(transaction);
    }

    /** What the script does not bring back, told there too: one sentence each. Complete once it is written. */
    public List<String> warnings() {
        return List.copyOf(warnings);
    }

    /** What becomes of the rows that are stored of a table. Known once the script is written. */
    public CopybackCounts counts(PlannedTable table) {
        RowMergeScript rows = merges.get(table);
        if (rows != null) {
            return rows.counts();
        }
        long stored = table.restored().manifest().rowCount();
        if (notMerged.contains(table)) {
            return CopybackCounts.leftOut(stored);
        }
        if (table.since().isPresent()) {
            return table.since().get().counts();
        }
        return switch (table.situation()) {
            case GONE, CHANGED, REPLACED -> CopybackCounts.all(stored);
            case PRESENT, TEMPORARY -> CopybackCounts.untouched(stored);
        };
    }

    /** @throws RecoveryException where which rows are missing cannot be told */
    public SqlScript write() throws SQLException, RecoveryException {
        for (PlannedTable table : written) {
            if (table.restored().manifest().holdsDefinitionsAlone()) {
                continue;
            }
            merge(table);
        }
        script.note("""
                Copyback plan by Backstop. Nothing of this has been run: read it, then run it as a whole,
                as a superuser or as the owner of the tables. It is one transaction; if a statement fails,
                nothing is changed (in psql, use -X -v ON_ERROR_STOP=1).""");
        script.begin();
        acrossPartitions();
        elsewhere();
        header();
        script.note("every name below is qualified; nothing depends on the session that runs this");
        script.run("SET LOCAL search_path = pg_catalog, pg_temp");
        script.settings();
        List<DisplacedTable> aside = setAside();
        List<DetachedChildren> left = DetachedChildren.of(transaction, tables, aside);
        placeBack(aside);
        carry(aside, left);
        Set<String> made = new HashSet<>();
        objects.beforeDefinitions().write(transaction, script, made, warnings);
        List<Dependent> dependents = DependentsToRecreate.of(placed, aside);
        List<LostParts> lost = lostParts(dependents);
        dependents = dependents.stream()
                .filter(dependent -> lost.stream().noneMatch(parts -> parts.bringsBack(dependent))
                        && aside.stream().noneMatch(table -> table.carries(dependent)))
                .toList();
        dependents("what they are parts of", dependents, d -> ATTACHING.contains(d.kind()));
        placement();
        rowsBack(lost);
        aside.forEach(table -> table.offerRows(script));
        mergeSince(aside);
        aside.forEach(table -> table.carry(script, Stage.TABLE));
        prerequisites(placed);
        objects.afterDefinitions().write(transaction, script, made, warnings);
        foreignKeys();
        aside.forEach(table -> table.carry(script, Stage.FOREIGN_KEY));
        dependents(
                "what hung on them, in an order in which it can be made again",
                dependents,
                d -> !ATTACHING.contains(d.kind()) && !LAST.contains(d.kind()));
        dependents("what differs from what it came with", dependents, d -> LAST.contains(d.kind()));
        aside.forEach(table -> table.carry(script, Stage.DEPENDENT));
        SchemaDefaults.write(transaction, script, schemas());
        script.part("from here on all of it is visible, or none");
        script.commit();
        footer(aside, left);
        return script;
    }

    /** What tables and other objects were in, by whether it was lost, too. */
    private Map<Prerequisite, Boolean> schemas() {
        Map<Prerequisite, Boolean> schemas = new LinkedHashMap<>();
        for (RestoredTable table : placed) {
            boolean lost = table.manifest()
                    .operation()
                    .filter(Destruction.Kind.DROP_SCHEMA::equals)
                    .isPresent();
            table.description().prerequisites().forEach(part -> schemas.merge(part, lost, Boolean::logicalOr));
        }
        objects.schema().ifPresent(schema -> schemas.put(schema, true));
        return schemas;
    }

    /** Among several tables, one whose rows cannot be put back keeps none of the others from theirs. */
    private void merge(PlannedTable table) throws SQLException, RecoveryException {
        try {
            merges.put(table, new RowMergeScript(transaction, table, differing));
        } catch (RecoveryException e) {
            if (tables.size() == 1) {
                throw e;
            }
            warnings.add("no row of table " + table.restored().original() + " is put back: " + e.problem() + "; "
                    + e.hint());
            notMerged.add(table);
            incomplete.add(table.restored());
        }
    }

    private void acrossPartitions() throws SQLException {
        Map<String, List<RowMergeScript>> trees = new LinkedHashMap<>();
        for (RowMergeScript rows : merges.values()) {
            Optional<String> root = rows.partitionRoot(transaction);
            root.ifPresent(tree ->
                    trees.computeIfAbsent(tree, first -> new ArrayList<>()).add(rows));
        }
        for (Map.Entry<String, List<RowMergeScript>> tree : trees.entrySet()) {
            RowMergeScript.acrossPartitions(transaction, tree.getKey(), tree.getValue());
        }
    }

    private void elsewhere() throws SQLException {
        for (PlannedTable table : tables) {
            warnings.addAll(table.elsewhere(transaction));
        }
        warnings.forEach(warning -> script.note("  " + warning));
    }

    private void header() {
        for (PlannedTable table : tables) {
            RestoredTable restored = table.restored();
            script.note(restored.original() + ": " + restored.manifest().rowCount() + " rows from "
                    + restored.manifest().snapshotId() + " of "
                    + restored.manifest().createdAt() + ", restored as " + restored.target() + "; "
                    + table.words());
            RowMergeScript rows = merges.get(table);
            if (rows != null) {
                script.note("  " + rows.counts().words());
                rows.warnings().forEach(warning -> script.note("  " + warning));
            }
            table.differences().forEach(difference -> script.note("  " + difference));
            restored.warnings().forEach(warning -> script.note("  " + warning));
        }
    }

    /** Where a restored table or index lies elsewhere than it did, for its tablespace could not be used. */
    private void placement() throws SQLException {
        for (PlannedTable table : tables) {
            if (table.situation() != Situation.PRESENT) {
                for (TablespaceComparison.Misplaced part : TablespaceComparison.of(transaction, table.restored())) {
                    warnings.add(part.warning());
                    script.part(part.warning());
                    script.commentOut(part.sql());
                }
            }
        }
    }

    private List<DisplacedTable> setAside() throws SQLException {
        List<DisplacedTable> aside = DisplacedTable.of(transaction, tables);
        Set<DependentIdentity> off = new HashSet<>();
        for (DisplacedTable table : aside) {
            script.part(table.present().name() + " is set aside as "
                    + table.names().target() + " with all rows that it has now");
            table.takeOff(script, off);
        }
        aside.forEach(table -> table.rename(script));
        return aside;
    }

    /** Columns come before tables are attached to each other, which need the same ones. */
    private void carry(List<DisplacedTable> aside, List<DetachedChildren> left) {
        for (DisplacedTable table : aside) {
            table.since()
                    .ifPresent(
                            rows -> warnings.addAll(rows.warnings(table.names().target())));
            table.addColumns(
                    script,
                    tables.stream()
                            .filter(part -> part.situation() == Situation.GONE)
                            .map(PlannedTable::restored)
                            .filter(part -> PartitionTree.head(part, placed).equals(table.restored()))
                            .toList());
        }
        left.stream().filter(DetachedChildren::follows).forEach(child -> {
            warnings.add(child.warning() + " goes to the restored one");
            script.attempt(child.warning(), child.sql());
        });
    }

    private void mergeSince(List<DisplacedTable> aside) {
        List<DisplacedTable> replaced =
                aside.stream().filter(table -> table.since().isPresent()).toList();
        if (replaced.isEmpty()) {
            return;
        }
        script.part("what was written since goes into the restored tables, and is checked when all of it is there");
        replaced.forEach(table -> table.since().orElseThrow().prepare(script));
        script.run("SET CONSTRAINTS ALL DEFERRED");
        replaced.forEach(table ->
                table.since().orElseThrow().merge(script, table.names(), PartitionTree.head(table.restored(), placed)));
        script.run("SET CONSTRAINTS ALL IMMEDIATE");
        replaced.forEach(table -> table.since().orElseThrow().finish(script));
    }

    private void placeBack(List<DisplacedTable> aside) throws SQLException {
        List<RelationName> known = Stream.concat(
                        aside.stream().map(table -> table.present().name()),
                        placed.stream().map(RestoredTable::target))
                .toList();
        Map<String, FreeNames> free = new HashMap<>();
        for (RestoredTable table : placed) {
            script.part(table.target() + " becomes " + table.original());
            String owner = table.description().owner();
            boolean ownerExists = transaction.holds("EXISTS (SELECT FROM pg_roles WHERE rolname = ?)", owner);
            if (!ownerExists) {
                warnings.add("table " + table.original() + " was left to you: its owner " + owner + " does not exist");
            }
            Map<Sequence, RelationName> strays = new LinkedHashMap<>();
            for (Sequence sequence : table.description().sequences()) {
                if (!free.containsKey(sequence.schema())) {
                    free.put(sequence.schema(), new FreeNames(NamesInUse.of(transaction, sequence.schema())));
                }
                StandaloneSequence.setAside(
                                transaction,
                                script,
                                sequence,
                                known,
                                Objects.requireNonNull(free.get(sequence.schema())),
                                warnings)
                        .ifPresent(other -> strays.put(sequence, other));
            }
            new RenameIntoPlace(table, ownerExists).rename(script);
            strays.forEach((sequence, other) ->
                    SequencePosition.goOnAfter(script, sequence, List.of(SequencePosition.reachedBy(other, sequence))));
        }
    }

    /** What hangs on the tables may need what the snapshot was made with and is missing now. */
    private void prerequisites(List<RestoredTable> needing) throws SQLException {
        for (Prerequisite prerequisite : needing.stream()
                .flatMap(table -> table.description().prerequisites().stream())
                .distinct()
                .toList()) {
            boolean comesBack = needing.stream()
                    .anyMatch(table -> SequenceOwnership.owns(table.description(), prerequisite)
                            || table.names().sequencesOfOthers().containsKey(prerequisite.identity()));
            if (!comesBack && !transaction.has(prerequisite)) {
                script.part(prerequisite.kind() + " " + prerequisite.identity() + " is missing"
                        + (prerequisite.sql().isEmpty() ? ": what needs it below fails until it is there" : ""));
                MissingObject.write(script, prerequisite);
            } else if (!comesBack) {
                PresentObject.tell(transaction, script, prerequisite, warnings);
                if (completing) {
                    StandaloneSequence.write(transaction, script, prerequisite, warnings);
                }
            }
        }
    }

    private void foreignKeys() {
        List<RestoredTable> all = tables.stream().map(PlannedTable::restored).toList();
        List<RelationName> changed = tables.stream()
                .filter(PlannedTable::isSwapped)
                .map(t -> t.restored().original())
                .toList();
        SqlScript keys = new SqlScript();
        // A partitioned table takes over the keys that its partitions have; the other way round they would be there
        // twice.
        placed.stream()
                .sorted(Comparator.comparing(table -> -PartitionTree.depth(table, placed)))
                .forEach(table -> RenameIntoPlace.foreignKeys(keys, table, all, changed));
        if (!keys.isEmpty()) {
            script.part("foreign keys that could not be made when the tables were restored");
            script.append(keys);
        }
    }

    /** @param lost what the tables that are there get again */
    private void rowsBack(List<LostParts> lost) throws SQLException {
        if (!merges.isEmpty()) {
            mergeRows();
        }
        if (completing) {
            prerequisites(written.stream().map(PlannedTable::restored).toList());
        }
        lost.forEach(parts -> parts.write(script, parts.parts(Stage.TABLE)));
        lost.forEach(parts -> parts.write(script, parts.parts(Stage.FOREIGN_KEY)));
        hanging(lost);
    }

    /**
     * A partitioned table comes behind its partitions: it takes over what they have, and the other way round that would be
     * there twice.
     *
     * @param recreated what is made again in the end, for it hangs on tables that take a place
     */
    private List<LostParts> lostParts(List<Dependent> recreated) throws SQLException {
        Set<DependentIdentity> otherwise =
                recreated.stream().map(DependentIdentity::of).collect(Collectors.toSet());
        List<RestoredTable> all = tables.stream().map(PlannedTable::restored).toList();
        Predicate<Dependent> own = DependentsToRecreate.ownForeignKeys(all);
        List<LostParts> lost = new ArrayList<>();
        for (PlannedTable table : written.stream()
                .sorted(Comparator.comparing(t -> -PartitionTree.depth(t.restored(), all)))
                .toList()) {
            LostParts parts = LostParts.of(
                    transaction,
                    table,
                    completing,
                    own.or(dependent -> otherwise.contains(DependentIdentity.of(dependent))));
            parts.warning().ifPresent(warnings::add);
            if (!parts.areBack()) {
                incomplete.add(table.restored());
            }
            lost.add(parts);
        }
        return lost;
    }

    /** What hangs on several tables is made again once, when all of them have what it needs. */
    private void hanging(List<LostParts> lost) {
        List<Dependent> order = DependentOrder.merge(
                        lost.stream().map(LostParts::dependents).toList())
                .stream()
                .sorted(Comparator.comparing(dependent -> LAST.contains(dependent.kind())))
                .toList();
        List<Part> together = new ArrayList<>();
        Optional<LostParts> owner = Optional.empty();
        for (Dependent dependent : order) {
            LostParts of = lost.stream()
                    .filter(parts -> parts.part(dependent).isPresent())
                    .findFirst()
                    .orElseThrow();
            if (owner.isPresent() && !owner.get().equals(of)) {
                owner.get().write(script, together);
                together.clear();
            }
            owner = Optional.of(of);
            together.add(of.part(dependent).orElseThrow());
        }
        owner.ifPresent(parts -> parts.write(script, together));
    }

    private void mergeRows() throws SQLException {
        script.part("nobody else writes meanwhile");
        List<RowMergeScript> rows = List.copyOf(merges.values());
        rows.stream().sorted(Comparator.comparing(RowMergeScript::table)).forEach(table -> table.prepare(script));
        Map<RestoredTable, TableDescription> present = new LinkedHashMap<>();
        written.forEach(table ->
                present.put(table.restored(), table.present().orElseThrow().description()));
        List<String> circular = ForeignKeyOrder.circular(present);
        if (!circular.isEmpty()) {
            script.note("foreign keys go in a circle: they are checked after all rows are back");
            circular.forEach(key -> script.run(key + " DEFERRABLE INITIALLY DEFERRED"));
        }
        script.run("SET CONSTRAINTS ALL DEFERRED");
        for (RowMergeScript table : rows) {
            warnings.addAll(table.warnings());
            table.rows(script);
            table.sequences(script);
        }
        script.part("everything that was put back is checked now");
        script.run("SET CONSTRAINTS ALL IMMEDIATE");
        circular.forEach(key -> script.run(key + " NOT DEFERRABLE"));
        rows.forEach(table -> table.finish(script));
    }

    /** What needs something that is gone is only offered. */
    private void dependents(String words, List<Dependent> dependents, Predicate<Dependent> which) throws SQLException {
        DefaultPrivileges defaults = DefaultPrivileges.of(transaction);
        List<Dependent> chosen = dependents.stream().filter(which).toList();
        if (!chosen.isEmpty()) {
            script.part(words);
        }
        for (Dependent dependent : chosen) {
            Optional<String> missing = missing(dependent);
            String subject = dependent.kind() + " " + dependent.identity();
            if (missing.isPresent()) {
                String warning = subject + " was left out: " + missing.get();
                warnings.add(warning);
                script.note(warning);
                dependent.sql().forEach(script::commentOut);
            } else {
                List<String> statements = new ArrayList<>(dependent.sql());
                statements.addAll(defaults.undone(dependent));
                // The rows that a key refers to may come back by a newer snapshot, which has the key, too. A
                // publication is another role's, perhaps, and a table is whole without.
                boolean waits = (completing && dependent.kind() == DependentKind.FOREIGN_KEY)
                        || dependent.kind() == DependentKind.PUBLICATION;
                if (waits || tables.stream().anyMatch(table -> table.canDoWithout(dependent))) {
                    script.attempt(subject, statements);
                } else {
                    script.note(subject);
                    statements.forEach(script::run);
                }
            }
        }
    }

    /** The table that something stands on may be gone, too, and not come back with these. */
    private Optional<String> missing(Dependent dependent) throws SQLException {
        Optional<Place> place = dependent
                .place()
                .filter(on -> tables.stream()
                        .map(PlannedTable::restored)
                        .noneMatch(table -> on.isOn(table.original()) || on.isOn(table.target())));
        if (place.isPresent()
                && !transaction.holds(
                        IS_THERE, place.get().schema(), place.get().table())) {
            return Optional.of(
                    "table " + RelationName.of(place.get().schema(), place.get().table())
                            + " does not exist; it comes back with that");
        }
        return needs.missing(dependent);
    }

    private void footer(List<DisplacedTable> aside, List<DetachedChildren> children) {
        children.stream().filter(child -> !child.follows()).forEach(child -> {
            warnings.add(child.warning());
            script.part(child.warning());
            child.sql().forEach(script::commentOut);
        });
        List<String> left = new ArrayList<>();
        tables.stream()
                .filter(t -> t.situation() == Situation.PRESENT)
                .map(PlannedTable::restored)
                .filter(t -> !incomplete.contains(t))
                .forEach(t ->
                        left.add(t.description().sqlKind() + " " + t.target().quoted()));
        for (DisplacedTable table : aside) {
            if (table.warning().isEmpty()) {
                left.add(table.present().description().sqlKind() + " "
                        + table.names().target().quoted());
            } else {
                String warning = table.warning().get();
                warnings.add(warning);
                script.part("keep it: " + warning);
            }
        }
        incomplete.forEach(table -> script.part("keep " + table.target() + " until you know that nothing of "
                + table.original() + " is missed: it has what that has not"));
        if (!left.isEmpty()) {
            script.part("once you have seen that everything is right:");
            left.forEach(table -> script.commentOut("DROP " + table));
        }
    }
}
