package io.backstop.recovery.internal.copyback;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.internal.copyback.PartComparison.Stage;
import io.backstop.recovery.internal.sql.NamesInUse;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.text.FreeNames;
import io.backstop.recovery.internal.text.SqlFragments;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.recovery.model.RestoredNames;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.schema.DependentIdentity;
import io.backstop.snapshot.schema.DependentKind;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Column;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.ConstraintKind;
import io.backstop.snapshot.schema.TableDescription.Dependent;
import io.backstop.snapshot.schema.TableDescription.Generated;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Writes the statements that move a table which changed its columns out of the way with all its names, and take off what
 * would follow it instead of the name: foreign keys of others, views, its place as a partition. Immutable.
 *
 * @param present the table
 * @param names what it and its parts are called aside
 * @param parents how it leaves the tables that it is a partition or a child of
 * @param invalid its indexes, those of keys too, that are not valid, and what they are called aside
 * @param statistics its extended statistics and what they are called aside
 * @param restored the table that takes its place
 * @param since what is merged into that; else its rows stay where they are, and are only offered
 * @param onlyHere how many of its rows are not stored with the values that they have
 */
record DisplacedTable(
        PresentTable present,
        RestoredNames names,
        List<String> parents,
        Map<String, String> invalid,
        Map<String, String> statistics,
        RestoredTable restored,
        Optional<RowsWrittenSince> since,
        long onlyHere) {
    private static final String OID = "(SELECT c.oid FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace "
            + "WHERE s.nspname = ? AND c.relname = ?)";

    private static final String PARENTS = "SELECT CASE WHEN c.relispartition "
            + "THEN format('ALTER TABLE %s DETACH PARTITION %s', inhparent::regclass, c.oid::regclass) "
            + "ELSE format('ALTER TABLE %s NO INHERIT %s', c.oid::regclass, inhparent::regclass) END "
            + "FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhrelid = " + OID + " ORDER BY inhseqno";

    private static final String STATISTICS = "SELECT x.stxname FROM pg_statistic_ext x WHERE x.stxrelid = " + OID
            + " AND x.stxnamespace = (SELECT oid FROM pg_namespace WHERE nspname = ?) ORDER BY 1";

    private static final String INVALID = "SELECT x.relname FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid "
            + "WHERE i.indrelid = " + OID + " AND NOT i.indisvalid ORDER BY 1";

    /** Those of the tables that are set aside, each under names that nothing else has or gets. */
    static List<DisplacedTable> of(RecoveryTransaction transaction, List<PlannedTable> tables) throws SQLException {
        List<DisplacedTable> aside = new ArrayList<>();
        Map<String, Set<String>> taken = new HashMap<>();
        for (PlannedTable table :
                tables.stream().filter(PlannedTable::isSwapped).toList()) {
            String schema = table.restored().original().schema().orElseThrow();
            Set<String> names = taken.computeIfAbsent(schema, name -> new HashSet<>());
            names.addAll(NamesInUse.of(transaction, schema));
            DisplacedTable moved = of(transaction, table, names);
            names.addAll(moved.claimed());
            aside.add(moved);
        }
        return aside;
    }

    private static DisplacedTable of(RecoveryTransaction transaction, PlannedTable planned, Set<String> taken)
            throws SQLException {
        PresentTable present = planned.present().orElseThrow();
        String schema = present.name().schema().orElseThrow();
        String table = present.name().name();
        FreeNames free = new FreeNames(taken);
        RelationName aside = RelationName.of(schema, free.claim(aside(table)));
        RestoredNames names = RestoredNames.choose(present.description(), aside, without(taken, aside.name()));
        Function<String, String> claim = name -> free.claim(aside(name));
        return new DisplacedTable(
                present,
                names,
                transaction.strings(PARENTS, schema, table),
                transaction.strings(INVALID, schema, table).stream().collect(Collectors.toMap(name -> name, claim)),
                transaction.strings(STATISTICS, schema, table, schema).stream()
                        .collect(Collectors.toMap(name -> name, claim)),
                planned.restored(),
                planned.since(),
                planned.since().isPresent() ? 0 : onlyHere(transaction, present, planned.restored()));
    }

    private static long onlyHere(RecoveryTransaction transaction, PresentTable present, RestoredTable restored)
            throws SQLException {
        if (present.description().foreign().isPresent()
                || restored.description().foreign().isPresent()) {
            return 0;
        }
        List<String> columns = common(present, restored);
        return Long.parseLong(transaction
                .strings("SELECT coalesce(sum(greatest(p.number - coalesce(s.number, 0), 0)), 0) FROM ("
                        + KeylessRows.counted(present.name().quoted(), columns) + ") AS p LEFT JOIN ("
                        + KeylessRows.counted(restored.target().quoted(), columns) + ") AS s ON s.values = p.values")
                .get(0));
    }

    /** The columns that both have, of the same type, and that are not computed. */
    private static List<String> common(PresentTable present, RestoredTable restored) {
        return restored.manifest().columns().stream()
                .map(SnapshotManifest.Column::name)
                .filter(name -> columns(present.description(), name)
                        .anyMatch(now -> columns(restored.description(), name)
                                .anyMatch(then -> now.type().equals(then.type())
                                        && now.generated() != Generated.STORED
                                        && now.generated() != Generated.VIRTUAL)))
                .toList();
    }

    private static Stream<Column> columns(TableDescription table, String name) {
        return table.columns().stream().filter(column -> column.name().equals(name));
    }

    /** Columns of rows that it has, and that the restored table has not. */
    private List<String> columnsOnlyHere() {
        return present.description().columns().stream()
                .map(Column::name)
                .filter(name -> columns(restored.description(), name).findAny().isEmpty())
                .toList();
    }

    /** What would be lost with it, in words; nothing where the restored table has all of it. */
    Optional<String> warning() {
        if (since.isPresent()) {
            return since.filter(rows -> rows.carried().isComplete()).isPresent()
                    ? Optional.empty()
                    : Optional.of("table " + names.target() + " has some definitions otherwise than the restored one,"
                            + " which are named: drop it once you know that nothing of it is missed");
        }
        List<String> words = new ArrayList<>();
        if (onlyHere > 0) {
            words.add(onlyHere + " rows that are not stored with the values that they have now");
        }
        if (!columnsOnlyHere().isEmpty()) {
            words.add("what column " + String.join(", ", columnsOnlyHere()) + " holds");
        }
        return words.isEmpty()
                ? Optional.empty()
                : Optional.of("table " + present.name() + " is set aside as " + names.target() + ", which alone has "
                        + String.join(" and ", words)
                        + ": this is not merged; --present replace merges it");
    }

    /** Offers to take rows that were written since over into the table that has its place now. */
    void offerRows(SqlScript script) {
        if (onlyHere == 0) {
            return;
        }
        List<String> columns = common(present, restored);
        String list = SqlFragments.list(columns);
        String aside = names.target().quoted();
        script.part(onlyHere + " rows of " + names.target() + " are not in " + restored.original()
                + " with the values that they have there. To take them over\nas well, uncomment this statement (those whose"
                + " keys are taken have been changed since, and need an UPDATE):");
        script.commentOut("INSERT INTO " + restored.original().quoted() + (columns.isEmpty() ? "" : " (" + list + ")")
                + " OVERRIDING SYSTEM VALUE\nSELECT " + list + " FROM ONLY " + aside + " AS aside WHERE "
                + KeylessRows.values(columns) + " NOT IN (SELECT " + KeylessRows.values(columns) + " FROM ONLY "
                + restored.original().quoted() + ")");
    }

    /** Statements that give one of its children what the table that has its place now asks of its own. */
    List<String> missingOfChild(String child) {
        String alter = "ALTER TABLE " + child + " ";
        List<String> statements = new ArrayList<>();
        for (Column column : restored.description().columns()) {
            if (column.notNull()
                    && columns(present.description(), column.name()).anyMatch(now -> !now.notNull())) {
                statements.add(alter + "ALTER COLUMN " + RelationName.quote(column.name()) + " SET NOT NULL");
            }
        }
        restored.description().constraints().stream()
                .filter(c -> c.kind() == ConstraintKind.CHECK && !c.noInherit())
                .filter(c -> present.description().constraints().stream()
                        .noneMatch(now -> now.name().equals(c.name())))
                .forEach(c -> statements.add(
                        alter + "ADD CONSTRAINT " + RelationName.quote(c.name()) + " " + c.definition()));
        return statements;
    }

    /**
     * Gives the table that has its place now, and parts of that, the columns that it alone has.
     *
     * @param parts those that replace no table of their own
     */
    void addColumns(SqlScript script, List<RestoredTable> parts) {
        since.ifPresent(rows -> {
            rows.carried().addColumns(script, restored.original());
            parts.forEach(part -> rows.carried().addColumns(script, part.original()));
        });
    }

    /** Whether a key of the table is one that it has had since, too, and keeps. */
    boolean carries(Dependent dependent) {
        return dependent.kind() == DependentKind.FOREIGN_KEY
                && dependent
                        .place()
                        .filter(place -> place.isOn(restored.original())
                                && since.filter(rows -> rows.carried().holdsConstraint(place.name()))
                                        .isPresent())
                        .isPresent();
    }

    /** Makes again for the table that has its place now what it alone has. */
    void carry(SqlScript script, Stage stage) {
        since.ifPresent(rows -> rows.carried().write(script, stage));
    }

    /** The names that it and its parts take. */
    private Set<String> claimed() {
        Set<String> claimed = new HashSet<>(names.constraints().values());
        claimed.add(names.target().name());
        claimed.addAll(names.indexes().values());
        claimed.addAll(names.sequences().values());
        claimed.addAll(invalid.values());
        claimed.addAll(statistics.values());
        return claimed;
    }

    private static String aside(String name) {
        return FreeNames.withEnd(name, "_set_aside");
    }

    private static Set<String> without(Set<String> taken, String name) {
        Set<String> rest = new HashSet<>(taken);
        rest.remove(name);
        return rest;
    }

    /**
     * Takes off what hangs on the table; all tables of a script come before {@link #rename}.
     *
     * @param off what is off already, as it hung on another table, too; is added to
     */
    void takeOff(SqlScript script, Set<DependentIdentity> off) {
        if (present.description().foreign().isEmpty()) {
            script.run("LOCK TABLE " + present.name().quoted() + " IN ACCESS EXCLUSIVE MODE");
        }
        if (since.isPresent()) {
            script.run(asWhenPlanned());
        }
        parents.forEach(script::run);
        List<Dependent> lastFirst = new ArrayList<>(moved());
        Collections.reverse(lastFirst);
        lastFirst.stream()
                .filter(dependent -> off.add(DependentIdentity.of(dependent)))
                .forEach(dependent -> dependent.drop().ifPresent(script::run));
    }

    /** A column that came later would not be merged. */
    private String asWhenPlanned() {
        String planned = present.description().columns().stream()
                .map(column -> column.name() + " " + column.type())
                .collect(Collectors.joining(", "));
        return "DO "
                + SqlFragments.dollarQuoted("""
                        BEGIN
                            IF (SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
                                FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped)
                                IS DISTINCT FROM %s THEN
                                RAISE EXCEPTION '%%', %s USING ERRCODE = '55000';
                            END IF;
                        END""".formatted(
                                SqlSpelling.literal(present.name().quoted()),
                                SqlSpelling.literal(planned),
                                SqlSpelling.literal("table " + present.name()
                                        + " has other columns than when this was written: ask for the script again")));
    }

    void rename(SqlScript script) {
        String schema = names.schema();
        RenameIntoPlace.table(script, present.name(), names.target().name());
        RenameIntoPlace.constraints(
                script,
                names.target(),
                present.description().constraints().stream()
                        .filter(c -> RestoredNames.isIndex(c.kind()))
                        .map(Constraint::name)
                        .collect(Collectors.toMap(name -> name, names::constraint)));
        RenameIntoPlace.indexes(script, schema, names.indexes());
        RenameIntoPlace.indexes(script, schema, invalid);
        Map<String, String> sequences = new HashMap<>(names.sequences());
        since.ifPresent(rows ->
                sequences.keySet().removeAll(CarriedParts.unused(restored.description(), present.description())));
        RenameIntoPlace.sequences(script, schema, sequences);
        statistics.forEach((from, to) -> script.run(
                "ALTER STATISTICS " + RelationName.of(schema, from).quoted() + " RENAME TO " + RelationName.quote(to)));
    }

    /** What hangs on the table and is not its own, and so has to hang on the one that takes its place. */
    List<Dependent> moved() {
        return present.description().dependents().stream()
                .filter(dependent -> !dependent.own())
                .toList();
    }
}
