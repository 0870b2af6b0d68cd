package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.snapshot.schema.TableDescription.Constraint;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Writes the statements that move a table which changed its columns out of the way with all its names, and take off what
 * would follow it instead of the name: foreign keys of others, views, its place as a partition. Immutable.
 *
 * @param present the table
 * @param names what it and its parts are called aside
 * @param foreignKeys foreign keys of other tables to it
 * @param views views that read it, those first on which no other depends
 * @param parents the tables that it is a partition of
 * @param statistics its extended statistics and what they are called aside
 */
record SetAside(
        PresentTable present,
        RestoredNames names,
        List<Owned> foreignKeys,
        List<Owned> views,
        List<String> parents,
        Map<String, String> statistics) {
    private static final String OID = "(SELECT c.oid FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace "
            + "WHERE s.nspname = ? AND c.relname = ?)";

    private static final String FOREIGN_KEYS = "SELECT conname, conrelid::regclass::text, '' FROM pg_constraint "
            + "WHERE contype = 'f' AND conparentid = 0 AND conrelid <> confrelid AND confrelid = " + OID
            + " ORDER BY 2, 1";

    private static final String VIEWS = "WITH RECURSIVE reader (oid, depth) AS (SELECT " + OID + ", 0 UNION "
            + "SELECT w.ev_class, r.depth + 1 FROM reader r JOIN pg_depend d ON d.refobjid = r.oid "
            + "AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_rewrite'::regclass "
            + "JOIN pg_rewrite w ON w.oid = d.objid AND w.ev_class <> r.oid) "
            + "SELECT c.relname, c.oid::regclass::text, CASE relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END "
            + "FROM (SELECT oid, max(depth) AS depth FROM reader GROUP BY oid) r JOIN pg_class c ON c.oid = r.oid "
            + "WHERE relkind IN ('v', 'm') ORDER BY depth DESC, 2";

    private static final String PARENTS = "SELECT inhparent::regclass::text FROM pg_inherits JOIN pg_class p "
            + "ON p.oid = inhparent WHERE p.relkind = 'p' AND inhrelid = " + OID;

    private static final String STATISTICS = "SELECT x.stxname FROM pg_statistic_ext x WHERE x.stxrelid = " + OID
            + " AND x.stxnamespace = (SELECT oid FROM pg_namespace WHERE nspname = ?) ORDER BY 1";

    static SetAside of(RecoveryTransaction transaction, PresentTable present, Set<String> taken) throws SQLException {
        String schema = present.name().schema().orElseThrow();
        String table = present.name().name();
        FreeNames free = new FreeNames(taken);
        RelationName aside = RelationName.of(schema, free.claim(FreeNames.shortened(table, 53) + "_set_aside"));
        RestoredNames names = RestoredNames.choose(present.description(), aside, without(taken, aside.name()));
        Map<String, String> statistics = transaction.strings(STATISTICS, schema, table, schema).stream()
                .collect(Collectors.toMap(
                        name -> name, name -> free.claim(FreeNames.shortened(name, 53) + "_set_aside")));
        return new SetAside(
                present,
                names,
                owned(transaction.rows(FOREIGN_KEYS, schema, table)),
                owned(transaction.rows(VIEWS, schema, table)),
                transaction.strings(PARENTS, schema, table),
                statistics);
    }

    private static Set<String> without(Set<String> taken, String name) {
        Set<String> rest = new HashSet<>(taken);
        rest.remove(name);
        return rest;
    }

    private static List<Owned> owned(List<List<String>> rows) {
        return rows.stream()
                .map(row -> new Owned(row.get(0), row.get(1), row.get(2)))
                .toList();
    }

    /** Takes off what hangs on the table; all tables of a script come before {@link #rename}. */
    void takeOff(Script script) {
        script.run("LOCK TABLE " + table() + " IN ACCESS EXCLUSIVE MODE");
        parents.forEach(parent -> script.run("ALTER TABLE " + parent + " DETACH PARTITION " + table()));
        foreignKeys.forEach(
                key -> script.run("ALTER TABLE " + key.of() + " DROP CONSTRAINT " + RelationName.quote(key.name())));
        views.forEach(view -> script.run("DROP " + view.kind() + " IF EXISTS " + view.of()));
    }

    void rename(Script script) {
        String schema = names.schema();
        PlaceBack.table(script, present.name(), names.target().name());
        List<String> indexed = new ArrayList<>();
        present.description().constraints().stream()
                .filter(c -> RestoredNames.isIndex(c.kind()))
                .map(Constraint::name)
                .forEach(indexed::add);
        PlaceBack.constraints(
                script, names.target(), indexed.stream().collect(Collectors.toMap(name -> name, names::constraint)));
        PlaceBack.indexes(script, schema, names.indexes());
        PlaceBack.sequences(script, schema, names.sequences());
        statistics.forEach((from, to) -> script.run(
                "ALTER STATISTICS " + RelationName.of(schema, from).quoted() + " RENAME TO " + RelationName.quote(to)));
    }

    private String table() {
        return present.name().quoted();
    }

    /** Something of another object: its name, what it is of, in words of SQL, and its kind where that is not clear. */
    record Owned(String name, String of, String kind) {}
}
