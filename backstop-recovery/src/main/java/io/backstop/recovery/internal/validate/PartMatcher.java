package io.backstop.recovery.internal.validate;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.recovery.model.OpenForeignKey;
import io.backstop.recovery.model.OpenForeignKey.State;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoredNames;
import io.backstop.recovery.model.SequenceOwnership;
import io.backstop.recovery.model.TableReference;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Column;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.ConstraintKind;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;

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
public record PartMatcher(RestoredNames names, List<OpenForeignKey> open) {
    public static PartMatcher of(TableDescription stored, TableDescription restored, RelationName target)
            throws RecoveryException {
        Map<String, String> constraints =
                matched(stored.constraints(), restored.constraints(), Constraint::name, PartMatcher::isSame);
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
        RestoredNames names =
                new RestoredNames(target, constraints, indexes, sequences, sequencesOfOthers(stored, restored));
        return new PartMatcher(names, open(stored, restored, names));
    }

    /** Where a default called another table's sequence and now calls one like it: the one that was restored with that table. */
    private static Map<String, RelationName> sequencesOfOthers(TableDescription stored, TableDescription restored)
            throws RecoveryException {
        Map<String, RelationName> others = new HashMap<>();
        for (Prerequisite original : SequenceOwnership.needed(stored)) {
            for (Prerequisite found : SequenceOwnership.needed(restored)) {
                if (isLike(original, found)
                        && stored.columns().stream().anyMatch(c -> isDrawn(c, original, found, restored))) {
                    others.put(
                            original.identity(),
                            TableReference.parse(found.identity()).name());
                }
            }
        }
        return others;
    }

    private static boolean isLike(Prerequisite original, Prerequisite found) {
        String made = original.sql().get(0);
        return !found.identity().equals(original.identity())
                && found.sql().get(0).equals(made.replace(original.identity(), found.identity()));
    }

    private static boolean isDrawn(Column column, Prerequisite from, Prerequisite now, TableDescription restored) {
        Optional<String> expected = column.defaultExpression()
                .filter(e -> e.contains(regclass(from)))
                .map(e -> e.replace(regclass(from), regclass(now)));
        return expected.isPresent()
                && restored.columns().stream()
                        .anyMatch(c -> c.name().equals(column.name())
                                && c.defaultExpression().equals(expected));
    }

    private static String regclass(Prerequisite sequence) {
        return SqlSpelling.literal(sequence.identity()) + "::regclass";
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
                    open.add(new OpenForeignKey(key, State.LEFT_OUT, "it is not there"));
                } else if (!found.get().definition().equals(key.definition())) {
                    open.add(new OpenForeignKey(key, State.NOT_VALIDATED, "it is there as NOT VALID"));
                }
            }
        }
        return open;
    }
}
