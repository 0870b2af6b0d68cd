package io.backstop.snapshot.schema;

import io.backstop.snapshot.schema.TableDescription.Dependent;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads what hangs on tables, in the order in which it can be made again: first what changes the table, then the views
 * and functions that are made of it and what hangs on those, then what may call them.
 */
final class DependentReader {
    private final Connection connection;

    DependentReader(Connection connection) {
        this.connection = connection;
    }

    Map<Long, List<Dependent>> read(Collection<Long> tables) throws SQLException {
        Map<Long, List<Hanging>> hanging = DependentQueries.HANGING.rows(connection, tables, Hanging::read);
        Set<Long> relations = new LinkedHashSet<>(tables);
        hanging.values().forEach(list -> list.forEach(h -> relations.add(h.oid())));

        Map<Long, List<Dependent>> first = all(DependentQueries.ON_THE_TABLE, relations);
        Map<Long, List<Dependent>> last = all(DependentQueries.AFTER_THE_VIEWS, relations);
        last.putAll(merged(last, all(List.of(DependentQueries.publications(majorVersion())), relations)));

        Map<Long, List<Dependent>> dependents = new HashMap<>();
        for (Long table : tables) {
            List<Dependent> inOrder = new ArrayList<>(first.getOrDefault(table, List.of()));
            for (Hanging object : hanging.getOrDefault(table, List.of())) {
                inOrder.add(object.dependent());
                inOrder.addAll(first.getOrDefault(object.oid(), List.of()));
                inOrder.addAll(last.getOrDefault(object.oid(), List.of()));
            }
            inOrder.addAll(last.getOrDefault(table, List.of()));
            dependents.put(table, inOrder.stream().distinct().toList());
        }
        return dependents;
    }

    private int majorVersion() throws SQLException {
        return connection.getMetaData().getDatabaseMajorVersion();
    }

    private Map<Long, List<Dependent>> all(List<CatalogQuery> queries, Collection<Long> relations) throws SQLException {
        Map<Long, List<Dependent>> all = new HashMap<>();
        for (CatalogQuery query : queries) {
            all.putAll(merged(all, query.rows(connection, relations, DependentReader::dependent)));
        }
        return all;
    }

    private static Map<Long, List<Dependent>> merged(
            Map<Long, List<Dependent>> before, Map<Long, List<Dependent>> after) {
        Map<Long, List<Dependent>> merged = new HashMap<>();
        after.forEach((oid, dependents) -> {
            List<Dependent> both = new ArrayList<>(before.getOrDefault(oid, List.of()));
            both.addAll(dependents);
            merged.put(oid, both);
        });
        return merged;
    }

    private static Dependent dependent(ResultSet row) throws SQLException {
        return new Dependent(row.getString("kind"), row.getString("identity"), CatalogQuery.texts(row, "sql"));
    }

    private record Hanging(long oid, Dependent dependent) {
        static Hanging read(ResultSet row) throws SQLException {
            return new Hanging(row.getLong("oid"), DependentReader.dependent(row));
        }
    }
}
