package io.backstop.recovery.model;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.snapshot.schema.PrerequisiteKind;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;
import io.backstop.snapshot.schema.TableDescription.Sequence;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Finds the owners of sequences among the tables of one restore: partitions and children draw from the sequence of
 * their parent's serial column, a table made LIKE another from the other's. Such a sequence comes back with its owner.
 * Not thread-safe.
 */
public final class SequenceOwnership {
    private final List<RestoredTable> tables = new ArrayList<>();

    public void add(RestoredTable table) {
        tables.add(table);
    }

    /** The present name of a sequence that a table needs, where one of these tables owns it. */
    public Optional<RelationName> restored(Prerequisite needed) {
        for (RestoredTable table : tables) {
            for (Sequence sequence : table.description().sequences()) {
                if (isSame(needed, sequence)) {
                    return Optional.of(RelationName.of(
                            table.names().schema(), table.names().sequence(sequence.name())));
                }
            }
        }
        return Optional.empty();
    }

    /** The tables in an order in which owners come before those that draw from their sequences, else as given. */
    public static <T> List<T> first(Collection<T> tables, Function<T, TableDescription> description) {
        List<T> remaining = new ArrayList<>(tables);
        List<T> ordered = new ArrayList<>();
        while (!remaining.isEmpty()) {
            T next = remaining.stream()
                    .filter(table -> remaining.stream()
                            .noneMatch(other ->
                                    !other.equals(table) && draws(description.apply(table), description.apply(other))))
                    .findFirst()
                    .orElse(remaining.get(0));
            remaining.remove(next);
            ordered.add(next);
        }
        return ordered;
    }

    private static boolean draws(TableDescription table, TableDescription owner) {
        return needed(table).stream().anyMatch(needed -> owns(owner, needed));
    }

    /** Whether a table owns what another one needs. */
    public static boolean owns(TableDescription owner, Prerequisite needed) {
        return owner.sequences().stream().anyMatch(sequence -> isSame(needed, sequence));
    }

    /** The sequences that a table needs and does not own. */
    public static List<Prerequisite> needed(TableDescription table) {
        return table.prerequisites().stream()
                .filter(needed -> needed.kind() == PrerequisiteKind.SEQUENCE)
                .toList();
    }

    private static boolean isSame(Prerequisite needed, Sequence sequence) {
        return needed.kind() == PrerequisiteKind.SEQUENCE
                && SqlSpelling.spellings(RelationName.of(sequence.schema(), sequence.name()))
                        .contains(needed.identity());
    }
}
