package io.backstop.recovery.internal.order;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.ConstraintKind;
import io.backstop.snapshot.schema.TableDescription.ForeignKey;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Puts tables of a recovery group into an order in which what a foreign key refers to comes before what refers. Keys stand
 * with partitioned tables, on both sides, while the rows are in their partitions. Immutable.
 */
public final class ForeignKeyOrder {
    private final List<RestoredTable> tables;

    /** Each table, and those that it is a partition of. */
    private final Map<RelationName, Set<RelationName>> heads = new HashMap<>();

    /** What keys that hold for a table's rows refer to. */
    private final Map<RelationName, Set<RelationName>> referred = new HashMap<>();

    private ForeignKeyOrder(List<RestoredTable> tables) {
        this.tables = tables;
        Map<RelationName, Set<RelationName>> own = new HashMap<>();
        for (RestoredTable table : tables) {
            Set<RelationName> above = new LinkedHashSet<>();
            addHeads(table, above);
            heads.put(table.original(), above);
            own.put(
                    table.original(),
                    keys(table.description().constraints()).stream()
                            .flatMap(key -> named(key, table).stream())
                            .collect(Collectors.toSet()));
        }
        heads.forEach((table, above) -> referred.put(
                table,
                above.stream()
                        .flatMap(head -> own.getOrDefault(head, Set.of()).stream())
                        .collect(Collectors.toSet())));
    }

    private void addHeads(RestoredTable table, Set<RelationName> above) {
        if (above.add(table.original())) {
            tables.stream().filter(table::isPartitionOf).forEach(parent -> addHeads(parent, above));
        }
    }

    /** As given as far as the foreign keys allow; where they go in a circle, the circle as given. */
    public static List<RestoredTable> of(List<RestoredTable> tables) {
        return new ForeignKeyOrder(tables).ordered();
    }

    private List<RestoredTable> ordered() {
        List<RestoredTable> remaining = new ArrayList<>(tables);
        List<RestoredTable> ordered = new ArrayList<>();
        while (!remaining.isEmpty()) {
            RestoredTable next = remaining.stream()
                    .filter(t -> remaining.stream().noneMatch(other -> !other.equals(t) && refers(t, other)))
                    .findFirst()
                    .orElse(remaining.get(0));
            remaining.remove(next);
            ordered.add(next);
        }
        return ordered;
    }

    /**
     * {@code ALTER TABLE … ALTER CONSTRAINT …} of the keys that no order of the tables can satisfy.
     *
     * @param present each restored table with the present one of its name
     */
    public static List<String> circular(Map<RestoredTable, TableDescription> present) {
        ForeignKeyOrder order = new ForeignKeyOrder(List.copyOf(present.keySet()));
        List<String> circular = new ArrayList<>();
        present.forEach((table, now) -> {
            List<RestoredTable> later = order.afterTheFirstRowsOf(table);
            for (Constraint key : keys(now.constraints())) {
                Set<RelationName> named = order.named(key, table);
                if (!reference(key).deferrable()
                        && later.stream().anyMatch(t -> order.isUnder(t, named))
                        && !order.isOfAPartitionedTable(key, table)) {
                    circular.add("ALTER TABLE "
                            + RelationName.of(now.schema(), now.name()).quoted() + " ALTER CONSTRAINT "
                            + RelationName.quote(key.name()));
                }
            }
        });
        return circular;
    }

    /** Whether a partition has the key from a table that is here too, and there it is altered for all partitions. */
    private boolean isOfAPartitionedTable(Constraint key, RestoredTable table) {
        return tables.stream()
                .filter(table::isPartitionOf)
                .anyMatch(parent ->
                        keys(parent.description().constraints()).stream().anyMatch(above -> isSame(above, key)));
    }

    /** But for the table itself: its rows are put back by one statement. */
    private List<RestoredTable> afterTheFirstRowsOf(RestoredTable table) {
        Set<RelationName> itself = Set.of(table.original());
        int first = 0;
        while (!isUnder(tables.get(first), itself)) {
            first++;
        }
        return tables.subList(first + 1, tables.size()).stream()
                .filter(other -> !other.equals(table))
                .toList();
    }

    private boolean refers(RestoredTable from, RestoredTable to) {
        return isUnder(to, referred.getOrDefault(from.original(), Set.of()));
    }

    /** Whether rows of one of the tables are in this one. */
    private boolean isUnder(RestoredTable table, Set<RelationName> ofThese) {
        return !Collections.disjoint(heads.getOrDefault(table.original(), Set.of()), ofThese);
    }

    /** Those of the tables that a key of this one refers to: one, if any. */
    private Set<RelationName> named(Constraint key, RestoredTable of) {
        return tables.stream()
                .filter(table -> reference(key).self() ? table.equals(of) : refersTo(key, table.original()))
                .map(RestoredTable::original)
                .collect(Collectors.toSet());
    }

    private static List<Constraint> keys(List<Constraint> constraints) {
        return constraints.stream()
                .filter(c -> c.kind() == ConstraintKind.FOREIGN_KEY)
                .toList();
    }

    /** Whether the foreign key refers to another table, of this name. */
    public static boolean refersTo(Constraint key, RelationName table) {
        return !reference(key).self() && reference(key).refersTo(table);
    }

    private static ForeignKey reference(Constraint key) {
        return key.foreignKey().orElseThrow();
    }

    /** Whether a partition's key is the one that it has from its partitioned table, which may refer to itself. */
    private static boolean isSame(Constraint above, Constraint key) {
        ForeignKey one = reference(above);
        ForeignKey other = reference(key);
        return above.columns().equals(key.columns())
                && above.validated() == key.validated()
                && one.schema().equals(other.schema())
                && one.table().equals(other.table())
                && one.columns().equals(other.columns())
                && one.match() == other.match()
                && one.onUpdate() == other.onUpdate()
                && one.onDelete() == other.onDelete()
                && one.onDeleteColumns().equals(other.onDeleteColumns())
                && one.deferrable() == other.deferrable()
                && one.initiallyDeferred() == other.initiallyDeferred();
    }
}
