package io.backstop.recovery.model;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.internal.text.FreeNames;
import io.backstop.snapshot.schema.PartNames;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.ConstraintKind;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * The names of a restored table's parts: free names beside the original, and the way back from them. Immutable,
 * thread-safe.
 *
 * @param target the restored table, with its schema
 * @param constraints from the original name of each constraint to the restored one; only those that are indexes too need
 *     a new name, for the others are looked up within their table
 * @param indexes the same for the indexes that belong to no constraint
 * @param sequences the same for owned sequences
 * @param sequencesOfOthers the sequences of tables that were restored with it and that its defaults draw from: from the
 *     original's qualified name, as the server writes it, to the restored one
 */
public record RestoredNames(
        RelationName target,
        Map<String, String> constraints,
        Map<String, String> indexes,
        Map<String, String> sequences,
        Map<String, RelationName> sequencesOfOthers)
        implements PartNames {
    public RestoredNames {
        Objects.requireNonNull(target, "target");
        constraints = Map.copyOf(constraints);
        indexes = Map.copyOf(indexes);
        sequences = Map.copyOf(sequences);
        sequencesOfOthers = Map.copyOf(sequencesOfOthers);
    }

    /** Names for a table under the target's name, in whose schema the given names are taken. */
    public static RestoredNames choose(TableDescription table, RelationName target, Set<String> taken) {
        FreeNames relations = new FreeNames(taken);
        relations.claim(target.name());
        table.constraints().stream().filter(c -> !isIndex(c.kind())).forEach(c -> relations.claim(c.name()));
        Map<String, String> sequences = new LinkedHashMap<>();
        table.sequences()
                .forEach(s -> sequences.put(s.name(), relations.claim(target.name() + "_" + s.column() + "_seq")));
        Map<String, String> constraints = new LinkedHashMap<>();
        for (Constraint constraint : table.constraints()) {
            String original = constraint.name();
            constraints.put(
                    original,
                    isIndex(constraint.kind()) ? relations.claim(derived(original, table, target)) : original);
        }
        Map<String, String> indexes = new LinkedHashMap<>();
        table.indexes().forEach(i -> indexes.put(i.name(), relations.claim(derived(i.name(), table, target))));
        return new RestoredNames(target, constraints, indexes, sequences, Map.of());
    }

    /** The same names, with defaults that draw from these sequences of others. */
    public RestoredNames drawingFrom(Map<String, RelationName> others) {
        return new RestoredNames(target, constraints, indexes, sequences, others);
    }

    /** Whether PostgreSQL keeps a constraint of this kind by an index of the same name. */
    public static boolean isIndex(ConstraintKind kind) {
        return switch (kind) {
            case PRIMARY_KEY, UNIQUE, EXCLUSION -> true;
            case NOT_NULL, CHECK, FOREIGN_KEY -> false;
        };
    }

    private static String derived(String original, TableDescription table, RelationName target) {
        String prefix = table.name() + "_";
        String rest = original.startsWith(prefix) ? original.substring(prefix.length()) : original;
        // The end of a name says what it is, so a long beginning gives way.
        int room = Math.max(20, 62 - rest.getBytes(java.nio.charset.StandardCharsets.UTF_8).length);
        return FreeNames.shortened(target.name(), room) + "_" + rest;
    }

    /** The schema that all of them live in. */
    public String schema() {
        return target.schema().orElseThrow();
    }

    /** A name in the restored table's schema as SQL. */
    public String qualified(String name) {
        return RelationName.of(schema(), name).quoted();
    }

    @Override
    public String constraint(String original) {
        return Objects.requireNonNull(constraints.get(original), original);
    }

    @Override
    public String index(String original) {
        return Objects.requireNonNull(indexes.get(original), original);
    }

    @Override
    public String sequence(String original) {
        return Objects.requireNonNull(sequences.get(original), original);
    }
}
