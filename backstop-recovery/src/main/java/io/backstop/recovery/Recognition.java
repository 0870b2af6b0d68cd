package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.OpenForeignKey.State;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.ConstraintKind;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiPredicate;
import java.util.function.Function;

/**
 * Which part of a table that was restored earlier was which part of the stored one: told by what they are, since their
 * names may differ. Immutable.
 *
 * @param names the names found; a part that was not found goes by its original one
 * @param open foreign keys that are not there as they were
 */
record Recognition(RestoredNames names, List<OpenForeignKey> open) {
    static Recognition of(TableDescription stored, TableDescription restored, RelationName target) {
        Map<String, String> constraints =
                matched(stored.constraints(), restored.constraints(), Constraint::name, Recognition::isSame);
        Map<String, String> indexes = matched(
                stored.indexes(),
                restored.indexes(),
                TableDescription.Index::name,
                (a, b) -> a.unique() == b.unique() && a.body().equals(b.body()));
        Map<String, String> sequences = matched(
                stored.sequences(),
                restored.sequences(),
                TableDescription.Sequence::name,
                (a, b) -> a.column().equals(b.column()) && a.identity() == b.identity());
        RestoredNames names = new RestoredNames(target, constraints, indexes, sequences);
        return new Recognition(names, open(stored, restored, names));
    }

    private static boolean isSame(Constraint stored, Constraint restored) {
        return stored.kind() == restored.kind()
                && (restored.definition().equals(stored.definition())
                        || restored.definition().equals(stored.definition() + OpenForeignKey.NOT_VALID));
    }

    /** Each stored part with a restored one that is the same, by preference of the same name, and with no two alike. */
    private static <T> Map<String, String> matched(
            List<T> stored, List<T> restored, Function<T, String> name, BiPredicate<T, T> same) {
        List<T> rest = new ArrayList<>(restored);
        Map<String, String> names = new HashMap<>();
        for (T part : stored) {
            Optional<T> found = rest.stream()
                    .filter(other -> same.test(part, other))
                    .min((a, b) -> Boolean.compare(
                            !name.apply(a).equals(name.apply(part)),
                            !name.apply(b).equals(name.apply(part))));
            found.ifPresent(rest::remove);
            names.put(name.apply(part), name.apply(found.orElse(part)));
        }
        return names;
    }

    private static List<OpenForeignKey> open(TableDescription stored, TableDescription restored, RestoredNames names) {
        List<OpenForeignKey> open = new ArrayList<>();
        for (Constraint key : stored.constraints()) {
            if (key.kind() == ConstraintKind.FOREIGN_KEY) {
                Optional<Constraint> found = restored.constraints().stream()
                        .filter(c -> c.name().equals(names.constraint(key.name())) && isSame(key, c))
                        .findFirst();
                if (found.isEmpty()) {
                    open.add(new OpenForeignKey(key.name(), key.definition(), State.LEFT_OUT, "it is not there"));
                } else if (!found.get().definition().equals(key.definition())) {
                    open.add(new OpenForeignKey(
                            key.name(), key.definition(), State.NOT_VALIDATED, "it is there as NOT VALID"));
                }
            }
        }
        return open;
    }
}
