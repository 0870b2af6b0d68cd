package io.backstop.snapshot.schema;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.snapshot.schema.TableDescription.Column;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.ConstraintKind;
import io.backstop.snapshot.schema.TableDescription.Sequence;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Writes the columns of {@code CREATE TABLE}. Immutable. */
final class ColumnSql {
    private final TableDescription table;
    private final PartNames names;

    ColumnSql(TableDescription table, PartNames names) {
        this.table = table;
        this.names = names;
    }

    String definition(Column column) {
        return RelationName.quote(column.name()) + " " + column.type() + options(column)
                + column.collation().map(c -> " COLLATE " + c).orElse("") + value(column) + notNull(column);
    }

    private String options(Column column) {
        return table.foreign()
                .map(foreign -> foreign.columnOptions().getOrDefault(column.name(), List.of()))
                .map(ForeignTable::optionsClause)
                .orElse("");
    }

    private String value(Column column) {
        return switch (column.generated()) {
            case NO ->
                column.defaultExpression()
                        .map(e -> " DEFAULT " + onSequencesAsNamed(e))
                        .orElse("");
            case STORED -> " GENERATED ALWAYS AS (" + column.defaultExpression().orElseThrow() + ") STORED";
            case VIRTUAL ->
                " GENERATED ALWAYS AS (" + column.defaultExpression().orElseThrow() + ") VIRTUAL";
            case IDENTITY_ALWAYS -> identity(column, "ALWAYS");
            case IDENTITY_BY_DEFAULT -> identity(column, "BY DEFAULT");
        };
    }

    /** The values of a partition come from its parent's sequence, and the column is one like others until it is attached. */
    private String identity(Column column, String kind) {
        return table.sequences().stream()
                .filter(s -> s.identity() && s.column().equals(column.name()))
                .findFirst()
                .map(s -> " GENERATED " + kind + " AS IDENTITY (SEQUENCE NAME " + sequence(s)
                        + (table.isOfItsColumn(s) ? " " + s.parameters() : "") + ")")
                .orElse("");
    }

    private String notNull(Column column) {
        Optional<Constraint> named = notNullConstraint(column);
        if (named.isEmpty()) {
            return column.notNull() ? " NOT NULL" : "";
        }
        if (!isInline(named.get())) {
            return "";
        }
        // The name is accepted, and forgotten, by servers before 18 as well.
        return " CONSTRAINT " + RelationName.quote(names.constraint(named.get().name())) + " NOT NULL"
                + (named.get().noInherit() ? " NO INHERIT" : "");
    }

    private Optional<Constraint> notNullConstraint(Column column) {
        return table.constraints().stream()
                .filter(c -> c.kind() == ConstraintKind.NOT_NULL && c.columns().equals(List.of(column.name())))
                .findFirst();
    }

    /** Whether it is written at its column: NOT NULL, unless it is not validated, which only ALTER TABLE can say. */
    static boolean isInline(Constraint constraint) {
        return constraint.kind() == ConstraintKind.NOT_NULL && constraint.validated();
    }

    /**
     * A default that is more than {@code nextval} of an owned sequence still has to mean the one that is made with it, and
     * one that draws from another table's sequence the one that is made with that.
     */
    private String onSequencesAsNamed(String expression) {
        String result = expression;
        for (Sequence sequence : table.sequences()) {
            for (String spelling : SqlSpelling.spellings(RelationName.of(sequence.schema(), sequence.name()))) {
                result = result.replace(
                        SqlSpelling.literal(spelling) + "::regclass",
                        SqlSpelling.literal(sequence(sequence)) + "::regclass");
            }
        }
        for (Map.Entry<String, RelationName> other : names.sequencesOfOthers().entrySet()) {
            result = result.replace(
                    SqlSpelling.literal(other.getKey()) + "::regclass",
                    SqlSpelling.literal(other.getValue().quoted()) + "::regclass");
        }
        return result;
    }

    String sequence(Sequence sequence) {
        return qualified(names.sequence(sequence.name()));
    }

    String qualified(String name) {
        return RelationName.of(names.target().schema().orElseThrow(), name).quoted();
    }
}
