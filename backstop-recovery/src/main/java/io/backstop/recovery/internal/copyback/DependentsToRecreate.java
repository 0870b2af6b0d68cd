package io.backstop.recovery.internal.copyback;

import io.backstop.recovery.internal.order.DependentOrder;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.schema.DependentKind;
import io.backstop.snapshot.schema.TableDescription.ConstraintKind;
import io.backstop.snapshot.schema.TableDescription.Dependent;
import io.backstop.snapshot.schema.TableDescription.Place;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
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
        Set<KindAndIdentity> stored = lists.stream()
                .flatMap(List::stream)
                .map(DependentsToRecreate::identity)
                .collect(Collectors.toSet());
        aside.forEach(table -> lists.add(table.moved().stream()
                .filter(d -> !stored.contains(identity(d)))
                .filter(d -> placed.stream().noneMatch(copy -> isPartOf(copy, d)))
                .toList()));
        return DependentOrder.merge(lists).stream()
                .filter(Predicate.not(ownForeignKeys(placed)))
                .toList();
    }

    private static KindAndIdentity identity(Dependent dependent) {
        return new KindAndIdentity(dependent.kind(), dependent.identity());
    }

    /** The copy has another name by then, and its parts come back by the stored table's names. */
    private static boolean isPartOf(RestoredTable copy, Dependent dependent) {
        return switch (dependent.kind()) {
            case DEFAULT, CONSTRAINT, INDEX ->
                dependent.place().filter(place -> place.isOn(copy.target())).isPresent();
            default -> false;
        };
    }

    /** Foreign keys that come back with the restored tables themselves, where others' dependents say they stand. */
    static Predicate<Dependent> ownForeignKeys(List<RestoredTable> restored) {
        Set<Place> places = new HashSet<>();
        for (RestoredTable table : restored) {
            table.description().constraints().stream()
                    .filter(c -> c.kind() == ConstraintKind.FOREIGN_KEY)
                    .flatMap(c -> Stream.of(table.original(), table.target())
                            .map(t -> new Place(t.schema().orElseThrow(), t.name(), c.name())))
                    .forEach(places::add);
        }
        return dependent -> dependent.kind() == DependentKind.FOREIGN_KEY
                && dependent.place().filter(places::contains).isPresent();
    }

    private record KindAndIdentity(DependentKind kind, String identity) {}
}
