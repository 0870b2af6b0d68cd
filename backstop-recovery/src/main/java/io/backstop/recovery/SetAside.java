package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.Dependent;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Writes the statements that move a table which changed its columns out of the way with all its names, and take off what
 * would follow it instead of the name: foreign keys of others, views, its place as a partition. Immutable.
 *
 * @param present the table
 * @param names what it and its parts are called aside
 * @param parents how it leaves the tables that it is a partition or a child of
 * @param statistics its extended statistics and what they are called aside
 */
record SetAside(PresentTable present, RestoredNames names, List<String> parents, Map<String, String> statistics) {
    private static final int ROOM_FOR_NAME = 53;

    private static final String OID = "(SELECT c.oid FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace "
            + "WHERE s.nspname = ? AND c.relname = ?)";

    private static final String PARENTS = "SELECT CASE WHEN c.relispartition "
            + "THEN format('ALTER TABLE %s DETACH PARTITION %s', inhparent::regclass, c.oid::regclass) "
            + "ELSE format('ALTER TABLE %s NO INHERIT %s', c.oid::regclass, inhparent::regclass) END "
            + "FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhrelid = " + OID + " ORDER BY inhseqno";

    private static final String STATISTICS = "SELECT x.stxname FROM pg_statistic_ext x WHERE x.stxrelid = " + OID
            + " AND x.stxnamespace = (SELECT oid FROM pg_namespace WHERE nspname = ?) ORDER BY 1";

    static SetAside of(RecoveryTransaction transaction, PresentTable present, Set<String> taken) throws SQLException {
        String schema = present.name().schema().orElseThrow();
        String table = present.name().name();
        FreeNames free = new FreeNames(taken);
        RelationName aside = RelationName.of(schema, free.claim(aside(table)));
        RestoredNames names = RestoredNames.choose(present.description(), aside, without(taken, aside.name()));
        Map<String, String> statistics = transaction.strings(STATISTICS, schema, table, schema).stream()
                .collect(Collectors.toMap(name -> name, name -> free.claim(aside(name))));
        return new SetAside(present, names, transaction.strings(PARENTS, schema, table), statistics);
    }

    private static String aside(String name) {
        return FreeNames.shortened(name, ROOM_FOR_NAME) + "_set_aside";
    }

    private static Set<String> without(Set<String> taken, String name) {
        Set<String> rest = new HashSet<>(taken);
        rest.remove(name);
        return rest;
    }

    /** Takes off what hangs on the table; all tables of a script come before {@link #rename}. */
    void takeOff(Script script) {
        script.run("LOCK TABLE " + present.name().quoted() + " IN ACCESS EXCLUSIVE MODE");
        parents.forEach(script::run);
        List<Dependent> lastFirst = new ArrayList<>(moved());
        Collections.reverse(lastFirst);
        lastFirst.forEach(dependent -> drop(dependent).ifPresent(script::run));
    }

    void rename(Script script) {
        String schema = names.schema();
        PlaceBack.table(script, present.name(), names.target().name());
        PlaceBack.constraints(
                script,
                names.target(),
                present.description().constraints().stream()
                        .filter(c -> RestoredNames.isIndex(c.kind()))
                        .map(Constraint::name)
                        .collect(Collectors.toMap(name -> name, names::constraint)));
        PlaceBack.indexes(script, schema, names.indexes());
        PlaceBack.sequences(script, schema, names.sequences());
        statistics.forEach((from, to) -> script.run(
                "ALTER STATISTICS " + RelationName.of(schema, from).quoted() + " RENAME TO " + RelationName.quote(to)));
    }

    /** What hangs on the table and is not its own, and so has to hang on the one that takes its place. */
    List<Dependent> moved() {
        return present.description().dependents().stream()
                .filter(dependent -> !isItsOwn(dependent))
                .toList();
    }

    /** By the identities that a description gives: {@code trigger on table}, {@code table to role}, {@code table.column}. */
    private boolean isItsOwn(Dependent dependent) {
        List<String> spellings = SqlText.spellings(present.name());
        String identity = dependent.identity();
        return switch (dependent.kind()) {
            case "view", "materialized view", "function", "procedure", "foreign key", "default", "index" -> false;
            case "rule", "policy", "trigger" -> spellings.stream().anyMatch(s -> identity.endsWith(" on " + s));
            case "grant" ->
                spellings.stream().anyMatch(s -> identity.startsWith(s + " to ") || identity.startsWith(s + "."));
            case "column options" -> spellings.stream().anyMatch(s -> identity.startsWith(s + "."));
            default -> true;
        };
    }

    /** An identity of these kinds is SQL already; what belongs to a view goes with it. */
    private static Optional<String> drop(Dependent dependent) {
        return switch (dependent.kind()) {
            case "foreign key" -> Optional.of(dropForeignKey(dependent));
            case "view", "materialized view", "function", "procedure", "rule", "policy" ->
                Optional.of("DROP " + dependent.kind().toUpperCase(java.util.Locale.ROOT) + " " + dependent.identity());
            default -> Optional.empty();
        };
    }

    /** {@code name on table}: where the one ends and the other begins is told by the statement that makes it. */
    private static String dropForeignKey(Dependent key) {
        String identity = key.identity();
        for (int on = identity.indexOf(" on "); on >= 0; on = identity.indexOf(" on ", on + 1)) {
            String name = identity.substring(0, on);
            String table = identity.substring(on + " on ".length());
            if (key.sql().get(0).startsWith("ALTER TABLE " + table + " ADD CONSTRAINT " + name + " ")) {
                return "ALTER TABLE " + table + " DROP CONSTRAINT " + name;
            }
        }
        throw new IllegalStateException("the foreign key " + identity + " is not described as expected");
    }
}
