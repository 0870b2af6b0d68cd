package io.backstop.recovery.internal.copyback;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.internal.text.SqlFragments;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.schema.TableDescription.ConstraintKind;
import io.backstop.snapshot.schema.TableDescription.Dependent;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What has to be made again once the restored tables have their places: each thing once, in an order that works. */
final class DependentsToRecreate {
    private DependentsToRecreate() {}

    /**
     * What hung on the tables when they were stored, and what was taken off those that are set aside.
     *
     * @param placed the restored tables that take a place
     */
    static List<Dependent> of(List<RestoredTable> placed, List<DisplacedTable> aside) {
        List<List<Dependent>> lists = new ArrayList<>();
        placed.forEach(table -> lists.add(table.description().dependents()));
        Set<List<String>> stored = lists.stream()
                .flatMap(List::stream)
                .map(DependentsToRecreate::identity)
                .collect(Collectors.toSet());
        aside.forEach(table -> lists.add(table.moved().stream()
                .filter(d -> !stored.contains(identity(d)))
                .filter(d -> placed.stream().noneMatch(copy -> isPartOf(copy, d)))
                .toList()));
        Set<String> own = ownForeignKeys(placed);
        return DependentOrder.merge(lists).stream()
                .filter(d -> !(d.kind().equals("foreign key") && own.contains(d.identity())))
                .toList();
    }

    private static List<String> identity(Dependent dependent) {
        return List.of(dependent.kind(), dependent.identity());
    }

    /** The copy has another name by then, and its parts come back by the stored table's names. */
    private static boolean isPartOf(RestoredTable copy, Dependent dependent) {
        return SqlFragments.spellings(copy.target()).stream().anyMatch(table -> switch (dependent.kind()) {
            case "default" -> dependent.identity().startsWith(table + ".");
            case "constraint" -> dependent.identity().endsWith(" on " + table);
            case "index" -> dependent.sql().get(0).contains(" ON " + table + " ");
            default -> false;
        });
    }

    /** Foreign keys that come back with the restored tables themselves, as dependents of others call them. */
    private static Set<String> ownForeignKeys(List<RestoredTable> placed) {
        Set<String> names = new HashSet<>();
        for (RestoredTable table : placed) {
            table.description().constraints().stream()
                    .filter(c -> c.kind() == ConstraintKind.FOREIGN_KEY)
                    .flatMap(c -> Stream.of(table.original(), table.target())
                            .flatMap(t -> SqlFragments.spellings(t).stream())
                            .flatMap(t -> Stream.of(c.name(), RelationName.quote(c.name()))
                                    .map(name -> name + " on " + t)))
                    .forEach(names::add);
        }
        return names;
    }
}
