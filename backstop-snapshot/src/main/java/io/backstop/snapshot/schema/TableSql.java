package io.backstop.snapshot.schema;

import io.backstop.api.analysis.RelationName;
import io.backstop.snapshot.schema.TableDescription.Column;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.ConstraintKind;
import io.backstop.snapshot.schema.TableDescription.Dependent;
import io.backstop.snapshot.schema.TableDescription.Index;
import io.backstop.snapshot.schema.TableDescription.Sequence;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The statements that make a described table again under its own name, in three parts: what has to be there before its
 * rows, what is made after them, and what hangs on it. Without prerequisites. Immutable, thread-safe.
 */
public final class TableSql {
    private final TableDescription table;
    private final String name;

    public TableSql(TableDescription table) {
        this.table = table;
        this.name = RelationName.of(table.schema(), table.name()).quoted();
    }

    /** The table and the sequences that it owns. */
    public List<String> beforeRows() {
        List<String> statements = new ArrayList<>();
        List<Sequence> serial =
                table.sequences().stream().filter(s -> !s.identity()).toList();
        serial.forEach(
                s -> statements.add("CREATE SEQUENCE " + qualified(s) + " AS " + s.type() + " " + parameters(s)));
        statements.add(createTable());
        for (Sequence sequence : serial) {
            String column = RelationName.quote(sequence.column());
            statements.add("ALTER SEQUENCE " + qualified(sequence) + " OWNED BY " + name + "." + column);
            if (hasNoDefault(sequence.column())) {
                statements.add("ALTER TABLE " + name + " ALTER COLUMN " + column + " SET DEFAULT nextval("
                        + literal(qualified(sequence)) + "::regclass)");
            }
        }
        return statements;
    }

    /** Keys, checks, indexes, values of sequences, owner and comments. */
    public List<String> afterRows() {
        List<String> statements = new ArrayList<>();
        table.constraints().stream()
                .filter(c -> c.kind() != ConstraintKind.FOREIGN_KEY && !isInline(c))
                .sorted(Comparator.comparing(Constraint::kind))
                .forEach(c -> statements.add(add(c)));
        for (Index index : table.indexes()) {
            statements.add("CREATE " + (index.unique() ? "UNIQUE " : "") + "INDEX " + RelationName.quote(index.name())
                    + " ON " + name + " USING " + index.body());
        }
        for (Sequence sequence : table.sequences()) {
            statements.add("SELECT pg_catalog.setval(" + literal(qualified(sequence)) + ", " + sequence.lastValue()
                    + ", " + sequence.called() + ")");
        }
        statements.add("ALTER TABLE " + name + " OWNER TO " + RelationName.quote(table.owner()));
        statements.addAll(comments());
        return statements;
    }

    /** Foreign keys, and what hangs on the table. */
    public List<String> lastly() {
        List<String> statements = new ArrayList<>();
        table.constraints().stream()
                .filter(c -> c.kind() == ConstraintKind.FOREIGN_KEY)
                .forEach(c -> {
                    statements.add(add(c));
                    c.comment().ifPresent(text -> statements.add(comment(constraint(c), text)));
                });
        for (Dependent dependent : table.dependents()) {
            statements.addAll(dependent.sql());
        }
        return statements;
    }

    private String createTable() {
        return "CREATE " + (table.unlogged() ? "UNLOGGED " : "") + "TABLE " + name + " ("
                + table.columns().stream().map(this::column).collect(Collectors.joining(", ")) + ")"
                + table.partitionKey().map(key -> " PARTITION BY " + key).orElse("")
                + (table.options().isEmpty()
                        ? ""
                        : table.options().stream()
                                .map(TableSql::option)
                                .collect(Collectors.joining(", ", " WITH (", ")")));
    }

    private static String option(String option) {
        int equals = option.indexOf('=');
        return option.substring(0, equals + 1) + literal(option.substring(equals + 1));
    }

    private String column(Column column) {
        return RelationName.quote(column.name()) + " " + column.type()
                + column.collation().map(c -> " COLLATE " + c).orElse("") + value(column) + notNull(column);
    }

    private String value(Column column) {
        String expression = column.defaultExpression().orElse("");
        return switch (column.generated()) {
            case NO -> expression.isEmpty() ? "" : " DEFAULT " + expression;
            case STORED -> " GENERATED ALWAYS AS (" + expression + ") STORED";
            case VIRTUAL -> " GENERATED ALWAYS AS (" + expression + ") VIRTUAL";
            case IDENTITY_ALWAYS -> " GENERATED ALWAYS AS IDENTITY" + identity(column);
            case IDENTITY_BY_DEFAULT -> " GENERATED BY DEFAULT AS IDENTITY" + identity(column);
        };
    }

    private String identity(Column column) {
        return table.sequences().stream()
                .filter(s -> s.identity() && s.column().equals(column.name()))
                .findFirst()
                .map(s -> " (SEQUENCE NAME " + qualified(s) + " " + parameters(s) + ")")
                .orElse("");
    }

    private String notNull(Column column) {
        Optional<Constraint> named =
                table.constraints().stream().filter(c -> isNotNullOf(c, column)).findFirst();
        if (named.isEmpty()) {
            return column.notNull() ? " NOT NULL" : "";
        }
        return isInline(named.get())
                ? " CONSTRAINT " + RelationName.quote(named.get().name()) + " NOT NULL"
                        + (named.get().definition().endsWith(" NO INHERIT") ? " NO INHERIT" : "")
                : "";
    }

    private static boolean isNotNullOf(Constraint constraint, Column column) {
        String definition = constraint.definition();
        return constraint.kind() == ConstraintKind.NOT_NULL
                && List.of(column.name(), RelationName.quote(column.name())).stream()
                        .map(spelling -> "NOT NULL " + spelling)
                        .anyMatch(text -> definition.equals(text)
                                || definition.equals(text + " NO INHERIT")
                                || definition.equals(text + " NOT VALID")
                                || definition.equals(text + " NO INHERIT NOT VALID"));
    }

    /** Whether it is written at its column: NOT NULL, unless it is not validated, which only ALTER TABLE can say. */
    private static boolean isInline(Constraint constraint) {
        return constraint.kind() == ConstraintKind.NOT_NULL
                && !constraint.definition().endsWith(" NOT VALID");
    }

    private boolean hasNoDefault(String column) {
        return table.columns().stream()
                .anyMatch(c -> c.name().equals(column) && c.defaultExpression().isEmpty());
    }

    private String add(Constraint constraint) {
        return "ALTER TABLE " + name + " ADD CONSTRAINT " + RelationName.quote(constraint.name()) + " "
                + constraint.definition().replace(Constraint.SELF, name);
    }

    private List<String> comments() {
        List<String> statements = new ArrayList<>();
        table.comment().ifPresent(text -> statements.add(comment("TABLE " + name, text)));
        for (Column column : table.columns()) {
            column.comment()
                    .ifPresent(text ->
                            statements.add(comment("COLUMN " + name + "." + RelationName.quote(column.name()), text)));
        }
        table.constraints().stream()
                .filter(c -> c.kind() != ConstraintKind.FOREIGN_KEY)
                .forEach(c -> c.comment().ifPresent(text -> statements.add(comment(constraint(c), text))));
        for (Index index : table.indexes()) {
            index.comment()
                    .ifPresent(text -> statements.add(comment(
                            "INDEX "
                                    + RelationName.of(table.schema(), index.name())
                                            .quoted(),
                            text)));
        }
        return statements;
    }

    private String constraint(Constraint constraint) {
        return "CONSTRAINT " + RelationName.quote(constraint.name()) + " ON " + name;
    }

    private static String comment(String object, String text) {
        return "COMMENT ON " + object + " IS " + literal(text);
    }

    private static String qualified(Sequence sequence) {
        return RelationName.of(sequence.schema(), sequence.name()).quoted();
    }

    private static String parameters(Sequence s) {
        return "START WITH " + s.start() + " INCREMENT BY " + s.increment() + " MINVALUE " + s.minimum() + " MAXVALUE "
                + s.maximum() + " CACHE " + s.cache() + (s.cycle() ? " CYCLE" : " NO CYCLE");
    }

    /** Under {@code standard_conforming_strings = on} (PostgreSQL documentation, 4.1.2.1). */
    private static String literal(String value) {
        return "'" + value.replace("'", "''") + "'";
    }
}
