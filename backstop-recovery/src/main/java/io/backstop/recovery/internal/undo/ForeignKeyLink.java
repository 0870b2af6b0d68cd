package io.backstop.recovery.internal.undo;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.internal.sql.RecoveryTransaction;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A foreign key as the catalog has it now. Immutable.
 *
 * @param referring the table that has it
 * @param referred the table that it refers to
 * @param onDelete {@code a} no action, {@code r} restrict, {@code c} cascade, {@code n} set null, {@code d} set default
 * @param onUpdate the same
 */
record ForeignKeyLink(
        String name,
        long referring,
        RelationName referringName,
        long referred,
        RelationName referredName,
        char onDelete,
        char onUpdate,
        List<Column> columns) {
    private static final String LINKS =
            "SELECT f.oid::text, f.conname, c.oid::text, cn.nspname, c.relname, p.oid::text, "
                    + "pn.nspname, p.relname, f.confdeltype, f.confupdtype, a.attname, r.attname, n.nspname, o.oprname "
                    + "FROM pg_constraint f CROSS JOIN LATERAL unnest(f.conkey, f.confkey, f.conpfeqop) WITH ORDINALITY "
                    + "AS k(own, other, operator, number) "
                    + "JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace "
                    + "JOIN pg_class p ON p.oid = f.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace "
                    + "JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.own "
                    + "JOIN pg_attribute r ON r.attrelid = f.confrelid AND r.attnum = k.other "
                    + "JOIN pg_operator o ON o.oid = k.operator JOIN pg_namespace n ON n.oid = o.oprnamespace "
                    + "WHERE f.contype = 'f' AND f.conparentid = 0 AND (f.conrelid = ANY (?::oid[]) OR f.confrelid = ANY (?::oid[])) "
                    + "ORDER BY f.oid, k.number";

    ForeignKeyLink {
        columns = List.copyOf(columns);
    }

    /** Those of tables, from and to them. */
    static List<ForeignKeyLink> of(RecoveryTransaction transaction, Collection<Long> oids) throws SQLException {
        String array = oids.stream().map(String::valueOf).collect(Collectors.joining(",", "{", "}"));
        Map<String, List<List<String>>> byKey = new LinkedHashMap<>();
        for (List<String> row : transaction.rows(LINKS, array, array)) {
            byKey.computeIfAbsent(row.get(0), key -> new ArrayList<>()).add(row);
        }
        return byKey.values().stream().map(ForeignKeyLink::of).toList();
    }

    private static ForeignKeyLink of(List<List<String>> rows) {
        List<String> first = rows.get(0);
        return new ForeignKeyLink(
                first.get(1),
                Long.parseLong(first.get(2)),
                RelationName.of(first.get(3), first.get(4)),
                Long.parseLong(first.get(5)),
                RelationName.of(first.get(6), first.get(7)),
                first.get(8).charAt(0),
                first.get(9).charAt(0),
                rows.stream()
                        .map(row -> new Column(row.get(10), row.get(11), row.get(12), row.get(13)))
                        .toList());
    }

    /** The condition that a row refers to another; false where a column is NULL. */
    String refers(String from, String to) {
        return columns.stream()
                .map(column -> to + "." + RelationName.quote(column.referred()) + " OPERATOR("
                        + RelationName.quote(column.operatorSchema()) + "." + column.operator() + ") " + from + "."
                        + RelationName.quote(column.referring()))
                .collect(Collectors.joining(" AND "));
    }

    /** The condition that a row refers to something at all. */
    String isSet(String from) {
        return columns.stream()
                .map(column -> from + "." + RelationName.quote(column.referring()) + " IS NOT NULL")
                .collect(Collectors.joining(" AND "));
    }

    /** A pair of columns and the operator that compares them, the one referred to on its left. */
    record Column(String referring, String referred, String operatorSchema, String operator) {}
}
