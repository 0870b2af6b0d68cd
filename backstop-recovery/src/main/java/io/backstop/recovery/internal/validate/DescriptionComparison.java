package io.backstop.recovery.internal.validate;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.recovery.model.OpenForeignKey;
import io.backstop.recovery.model.RestoredNames;
import io.backstop.recovery.model.Validation.Check;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Column;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.ConstraintKind;
import io.backstop.snapshot.schema.TableDescription.Index;
import io.backstop.snapshot.schema.TableDescription.IndexSettings;
import io.backstop.snapshot.schema.TableDescription.Sequence;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * Compares a restored table's description, as the catalog gives it, part by part with the stored one. A part is what can
 * be told about it in one line; the lines have to be equal. Immutable, thread-safe.
 */
final class DescriptionComparison {
    private static final String NOTHING = "nothing";

    private final TableDescription stored;
    private final TableDescription restored;
    private final RestoredNames names;
    private final Map<String, OpenForeignKey> open;

    DescriptionComparison(
            TableDescription stored, TableDescription restored, RestoredNames names, List<OpenForeignKey> open) {
        this.stored = stored;
        this.restored = restored;
        this.names = names;
        this.open = open.stream().collect(Collectors.toMap(OpenForeignKey::name, key -> key));
    }

    List<Check> checks() {
        List<Check> checks = new ArrayList<>();
        checks.add(new Check("column order", order(stored), order(restored)));
        compare(checks, "column ", columns(stored, o -> o), columns(restored, o -> o));
        compare(checks, "sequence ", sequences(stored, names::sequence), sequences(restored, o -> o));
        compare(checks, "constraint ", expectedConstraints(), constraints(restored));
        compare(checks, "index ", indexes(stored, names::index), indexes(restored, o -> o));
        checks.add(new Check("storage", storage(stored), storage(restored)));
        checks.add(new Check(
                "comment",
                stored.comment().orElse("none"),
                RestoredMark.off(restored.comment()).orElse("none")));
        if (stored.foreign().isPresent() || restored.foreign().isPresent()) {
            checks.add(new Check("foreign table", foreign(stored), foreign(restored)));
        }
        if (stored.partitionKey().isPresent() || restored.partitionKey().isPresent()) {
            checks.add(new Check(
                    "partition key",
                    stored.partitionKey().orElse(NOTHING),
                    restored.partitionKey().orElse(NOTHING)));
        }
        return checks;
    }

    private static void compare(
            List<Check> checks, String kind, Map<String, String> expected, Map<String, String> actual) {
        Set<String> all = new LinkedHashSet<>(expected.keySet());
        all.addAll(actual.keySet());
        for (String name : all) {
            checks.add(
                    new Check(kind + name, expected.getOrDefault(name, NOTHING), actual.getOrDefault(name, NOTHING)));
        }
    }

    private static String order(TableDescription table) {
        return table.columns().stream().map(Column::name).collect(Collectors.joining(", "));
    }

    private Map<String, String> columns(TableDescription table, UnaryOperator<String> name) {
        Map<String, String> lines = new LinkedHashMap<>();
        for (Column column : table.columns()) {
            lines.put(
                    name.apply(column.name()),
                    column.type()
                            + column.collation().map(c -> " COLLATE " + c).orElse("")
                            + (column.notNull() ? " NOT NULL" : "")
                            + column.defaultExpression()
                                    .map(e -> " DEFAULT " + withOriginalSequences(e))
                                    .orElse("")
                            + generated(table, column)
                            + column.settings().actions().stream()
                                    .map(action -> ", " + action)
                                    .collect(Collectors.joining())
                            + commented(column.comment().orElse("")));
        }
        return lines;
    }

    /** An identity without a sequence is that of a partition's parent, and comes with being attached to it. */
    private static String generated(TableDescription table, Column column) {
        return switch (column.generated()) {
            case NO -> "";
            case STORED, VIRTUAL -> " " + column.generated();
            case IDENTITY_ALWAYS, IDENTITY_BY_DEFAULT ->
                table.sequences().stream()
                                .anyMatch(s -> s.identity() && s.column().equals(column.name()))
                        ? " " + column.generated()
                        : "";
        };
    }

    private static Map<String, String> sequences(TableDescription table, UnaryOperator<String> name) {
        Map<String, String> lines = new LinkedHashMap<>();
        for (Sequence sequence : table.sequences()) {
            lines.put(
                    name.apply(sequence.name()),
                    (sequence.identity() ? "identity of " : "owned by ") + sequence.column() + " AS " + sequence.type()
                            + " " + sequence.parameters() + (sequence.feeding() ? ", its default" : "")
                            + ", last value " + sequence.lastValue()
                            + (sequence.called() ? "" : " not given yet"));
        }
        return lines;
    }

    private Map<String, String> expectedConstraints() {
        Map<String, String> lines = new LinkedHashMap<>();
        for (Constraint constraint : compared(stored)) {
            OpenForeignKey key = open.get(constraint.name());
            String name = names.constraint(constraint.name());
            if (key == null) {
                lines.put(name, line(constraint.definition(), constraint));
            } else if (key.state() == OpenForeignKey.State.NOT_VALIDATED) {
                lines.put(name, line(constraint.definition() + OpenForeignKey.NOT_VALID, constraint));
            }
        }
        return lines;
    }

    private Map<String, String> constraints(TableDescription table) {
        Map<String, String> lines = new LinkedHashMap<>();
        compared(table).forEach(c -> lines.put(c.name(), line(c.definition(), c)));
        return lines;
    }

    /** Servers before 18 keep no constraint for NOT NULL; that of the column is compared with the column anyway. */
    private List<Constraint> compared(TableDescription table) {
        boolean bothKnowNotNull = knowsNotNull(stored) && knowsNotNull(restored);
        return table.constraints().stream()
                .filter(c -> bothKnowNotNull || c.kind() != ConstraintKind.NOT_NULL)
                .toList();
    }

    private static boolean knowsNotNull(TableDescription table) {
        return table.constraints().stream().anyMatch(c -> c.kind() == ConstraintKind.NOT_NULL)
                || table.columns().stream().noneMatch(Column::notNull);
    }

    private static String line(String definition, Constraint constraint) {
        return definition.replace(Constraint.SELF, "itself")
                + constraint.index().map(DescriptionComparison::settings).orElse("")
                + commented(constraint.comment().orElse(""));
    }

    private static Map<String, String> indexes(TableDescription table, UnaryOperator<String> name) {
        Map<String, String> lines = new LinkedHashMap<>();
        for (Index index : table.indexes()) {
            lines.put(
                    name.apply(index.name()),
                    (index.unique() ? "UNIQUE " : "") + index.body() + settings(index.settings()));
        }
        return lines;
    }

    /** Not where it lies: a tablespace may be gone, which the copyback tells. */
    private static String settings(IndexSettings settings) {
        return (settings.options().isEmpty() ? "" : " WITH " + settings.options())
                + (settings.statistics().isEmpty() ? "" : ", statistics " + settings.statistics())
                + commented(settings.comment().orElse(""));
    }

    private static String storage(TableDescription table) {
        String options = String.join(", ", table.options());
        return (table.unlogged() ? "unlogged" : "logged") + (options.isEmpty() ? "" : ", " + options);
    }

    private static String foreign(TableDescription table) {
        return table.foreign()
                .map(foreign -> "on server " + foreign.server() + ", options " + foreign.options() + ", of columns "
                        + foreign.columnOptions())
                .orElse(NOTHING);
    }

    private static String commented(String comment) {
        return comment.isEmpty() ? "" : ", comment " + SqlSpelling.literal(comment);
    }

    /** A default that calls a sequence which was restored with a table says the restored one's name, and means the original's. */
    private String withOriginalSequences(String expression) {
        String result = expression;
        for (Sequence sequence : stored.sequences()) {
            RelationName original = RelationName.of(sequence.schema(), sequence.name());
            RelationName restoredName = RelationName.of(names.schema(), names.sequence(sequence.name()));
            result = replaced(result, restoredName, original.toString());
            result = replaced(result, original, original.toString());
        }
        for (Map.Entry<String, RelationName> other : names.sequencesOfOthers().entrySet()) {
            result = replaced(result, other.getValue(), other.getKey());
        }
        return result;
    }

    private static String replaced(String expression, RelationName sequence, String original) {
        String result = expression;
        for (String spelling : SqlSpelling.spellings(sequence)) {
            result = result.replace(
                    SqlSpelling.literal(spelling) + "::regclass", SqlSpelling.literal(original) + "::regclass");
        }
        return result;
    }
}
