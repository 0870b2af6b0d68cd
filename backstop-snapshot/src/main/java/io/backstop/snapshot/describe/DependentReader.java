package io.backstop.snapshot.describe;

import io.backstop.snapshot.internal.catalog.CascadeQueries;
import io.backstop.snapshot.internal.catalog.CatalogQuery;
import io.backstop.snapshot.internal.catalog.DependentQueries;
import io.backstop.snapshot.internal.catalog.MembershipQueries;
import io.backstop.snapshot.schema.CatalogWord;
import io.backstop.snapshot.schema.DependentIdentity;
import io.backstop.snapshot.schema.DependentKind;
import io.backstop.snapshot.schema.RequirementKind;
import io.backstop.snapshot.schema.TableDescription.Dependent;
import io.backstop.snapshot.schema.TableDescription.Place;
import io.backstop.snapshot.schema.TableDescription.Requirement;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

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
        Map<Long, List<Hanging>> hanging = CascadeQueries.OBJECTS.rows(connection, tables, Hanging::read);
        Map<Long, List<Dependent>> uses = merged(
                CascadeQueries.USES.rows(connection, tables, DependentReader::dependent),
                all(CascadeQueries.USING, tables));
        Set<Long> relations = new LinkedHashSet<>(tables);
        relations.addAll(hanging(hanging, Catalog.RELATIONS));
        Map<Long, List<Dependent>> first = all(DependentQueries.ON_THE_TABLE, relations);
        Map<Long, List<Dependent>> last = merged(
                all(DependentQueries.AFTER_THE_VIEWS, relations),
                all(List.of(MembershipQueries.publications(majorVersion())), relations));
        Map<Long, List<Dependent>> routines = all(MembershipQueries.OF_ROUTINES, hanging(hanging, Catalog.ROUTINES));

        Map<Long, List<Dependent>> dependents = new HashMap<>();
        for (Long table : tables) {
            List<Dependent> inOrder = new ArrayList<>(first.getOrDefault(table, List.of()));
            for (Hanging object : hanging.getOrDefault(table, List.of())) {
                inOrder.add(object.dependent());
                if (object.catalog() == Catalog.RELATIONS) {
                    inOrder.addAll(elsewhere(first.getOrDefault(object.oid(), List.of())));
                    inOrder.addAll(elsewhere(last.getOrDefault(object.oid(), List.of())));
                } else if (object.catalog() == Catalog.ROUTINES) {
                    inOrder.addAll(elsewhere(routines.getOrDefault(object.oid(), List.of())));
                }
            }
            inOrder.addAll(uses.getOrDefault(table, List.of()));
            inOrder.addAll(last.getOrDefault(table, List.of()));
            dependents.put(table, DependentIdentity.once(inOrder));
        }
        return dependents;
    }

    private static Set<Long> hanging(Map<Long, List<Hanging>> hanging, Catalog catalog) {
        return hanging.values().stream()
                .flatMap(List::stream)
                .filter(object -> object.catalog() == catalog)
                .map(Hanging::oid)
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    /** What is a view's own is not the table's. It goes with the view, so that nothing has to drop it. */
    private static List<Dependent> elsewhere(List<Dependent> dependents) {
        return dependents.stream()
                .map(d -> new Dependent(
                        d.kind(),
                        d.identity(),
                        d.sql(),
                        d.needs(),
                        false,
                        d.own() ? Optional.empty() : d.drop(),
                        d.place()))
                .toList();
    }

    private int majorVersion() throws SQLException {
        return connection.getMetaData().getDatabaseMajorVersion();
    }

    private Map<Long, List<Dependent>> all(List<CatalogQuery> queries, Collection<Long> relations) throws SQLException {
        Map<Long, List<Dependent>> all = new HashMap<>();
        for (CatalogQuery query : queries) {
            query.rows(connection, relations, DependentReader::dependent)
                    .forEach((oid, dependents) ->
                            all.computeIfAbsent(oid, key -> new ArrayList<>()).addAll(dependents));
        }
        return all;
    }

    private static Map<Long, List<Dependent>> merged(
            Map<Long, List<Dependent>> before, Map<Long, List<Dependent>> after) {
        Map<Long, List<Dependent>> merged = new HashMap<>(before);
        after.forEach((oid, dependents) -> {
            List<Dependent> both = new ArrayList<>(before.getOrDefault(oid, List.of()));
            both.addAll(dependents);
            merged.put(oid, both);
        });
        return merged;
    }

    /** What a query does not say is as with most: nothing is needed, it belongs to the relation and goes with it. */
    private static Dependent dependent(ResultSet row) throws SQLException {
        boolean own = !CatalogQuery.has(row, "own") || row.getBoolean("own");
        return new Dependent(
                CatalogWord.of(DependentKind.class, row.getString("kind")),
                row.getString("identity"),
                CatalogQuery.texts(row, "sql"),
                CatalogQuery.has(row, "needs")
                        ? CatalogQuery.texts(row, "needs").stream()
                                .map(DependentReader::need)
                                .toList()
                        : List.of(),
                own,
                own || !CatalogQuery.has(row, "drop") ? Optional.empty() : Optional.ofNullable(row.getString("drop")),
                CatalogQuery.has(row, "place") ? place(CatalogQuery.texts(row, "place")) : Optional.empty());
    }

    /** Schema, table and name, or nothing. */
    private static Optional<Place> place(List<String> parts) {
        return parts.isEmpty() ? Optional.empty() : Optional.of(new Place(parts.get(0), parts.get(1), parts.get(2)));
    }

    /** A kind and a name with a space between them, as the queries give it. */
    private static Requirement need(String text) {
        return Stream.of(RequirementKind.values())
                .filter(kind -> text.startsWith(kind.text() + " "))
                .map(kind -> new Requirement(kind, text.substring(kind.text().length() + 1)))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("a need is of an unknown kind: " + text));
    }

    /** The catalogs that an object may be in. */
    private enum Catalog {
        RELATIONS,
        ROUTINES,
        OPERATORS,
        TYPES;

        static Catalog of(String name) {
            return switch (name) {
                case "pg_class" -> RELATIONS;
                case "pg_proc" -> ROUTINES;
                case "pg_operator" -> OPERATORS;
                case "pg_type" -> TYPES;
                default -> throw new IllegalStateException("an object is in an unknown catalog: " + name);
            };
        }
    }

    private record Hanging(Catalog catalog, long oid, Dependent dependent) {
        static Hanging read(ResultSet row) throws SQLException {
            Dependent d = DependentReader.dependent(row);
            return new Hanging(
                    Catalog.of(row.getString("class")),
                    row.getLong("oid"),
                    new Dependent(
                            d.kind(),
                            d.identity(),
                            d.sql(),
                            d.needs(),
                            false,
                            Optional.of(row.getString("drop")),
                            d.place()));
        }
    }
}
