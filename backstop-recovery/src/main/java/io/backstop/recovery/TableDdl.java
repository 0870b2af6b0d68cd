package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Column;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.ConstraintKind;
import io.backstop.snapshot.schema.TableDescription.Index;
import io.backstop.snapshot.schema.TableDescription.Sequence;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The statements that build a described table under another name, first what holds the rows, then what is faster or only
 * possible once they are there. Immutable, thread-safe.
 */
final class TableDdl {
    /** A name that may stand without quotes. */
    private static final Pattern PLAIN = Pattern.compile("[a-z_][a-z0-9_$]*");

    private final TableDescription table;
    private final RestoredNames names;

    TableDdl(TableDescription table, RestoredNames names) {
        this.table = table;
        this.names = names;
    }

    /** Sequences and the table, ready for COPY. */
    List<Ddl> beforeRows() {
        List<Ddl> statements = new ArrayList<>();
        List<Sequence> serials =
                table.sequences().stream().filter(s -> !s.identity()).toList();
        serials.forEach(s -> statements.add(new Ddl(
                "sequence " + names.sequence(s.name()),
                "CREATE SEQUENCE " + sequence(s) + " AS " + s.type() + " " + SqlText.parameters(s))));
        statements.add(new Ddl("table " + names.target(), createTable()));
        serials.forEach(s -> statements.add(new Ddl(
                "sequence " + names.sequence(s.name()),
                "ALTER SEQUENCE " + sequence(s) + " OWNED BY " + target() + "." + RelationName.quote(s.column()))));
        serials.stream()
                .filter(this::feedsItsColumn)
                .forEach(s -> statements.add(new Ddl(
                        "default of column " + s.column(),
                        "ALTER TABLE " + target() + " ALTER COLUMN " + RelationName.quote(s.column())
                                + " SET DEFAULT nextval(" + SqlText.literal(sequence(s)) + "::regclass)")));
        return statements;
    }

    /** Keys, checks, exclusions, indexes, sequence values and comments; foreign keys are {@link #foreignKeys}. */
    List<Ddl> afterRows() {
        List<Ddl> statements = new ArrayList<>();
        inOrder(kind -> kind != ConstraintKind.FOREIGN_KEY).stream()
                .filter(c -> !isInline(c))
                .forEach(c -> statements.add(new Ddl("constraint " + c.name(), addConstraint(c, c.definition()))));
        statements.addAll(indexes());
        statements.addAll(sequenceValues());
        return statements;
    }

    /** The indexes that belong to no constraint. */
    List<Ddl> indexes() {
        return table.indexes().stream()
                .map(i -> new Ddl("index " + i.name(), createIndex(i)))
                .toList();
    }

    /** Where the owned sequences go on. */
    List<Ddl> sequenceValues() {
        return table.sequences().stream()
                .map(s -> new Ddl("value of sequence " + s.name(), setValue(s)))
                .toList();
    }

    /** The foreign keys to other tables and to the table itself. */
    List<Constraint> foreignKeys() {
        return inOrder(kind -> kind == ConstraintKind.FOREIGN_KEY);
    }

    /** {@code ALTER TABLE … ADD CONSTRAINT} with a definition of this constraint or one derived from it. */
    String addConstraint(Constraint constraint, String definition) {
        return "ALTER TABLE " + target() + " ADD CONSTRAINT "
                + RelationName.quote(names.constraint(constraint.name())) + " "
                + definition.replace(Constraint.SELF, target());
    }

    /** Comments of the table and of every part that is there. */
    List<Ddl> comments(List<Constraint> leftOut) {
        List<Ddl> statements = new ArrayList<>();
        table.comment().ifPresent(text -> statements.add(comment("TABLE " + target(), text)));
        for (Column column : table.columns()) {
            column.comment()
                    .ifPresent(text -> statements.add(
                            comment("COLUMN " + target() + "." + RelationName.quote(column.name()), text)));
        }
        for (Constraint constraint : table.constraints()) {
            if (!leftOut.contains(constraint)) {
                constraint
                        .comment()
                        .ifPresent(text -> statements.add(comment(
                                "CONSTRAINT " + RelationName.quote(names.constraint(constraint.name())) + " ON "
                                        + target(),
                                text)));
            }
        }
        for (Index index : table.indexes()) {
            index.comment()
                    .ifPresent(text ->
                            statements.add(comment("INDEX " + names.qualified(names.index(index.name())), text)));
        }
        return statements;
    }

    private static Ddl comment(String object, String text) {
        return new Ddl(
                "comment on " + object.replace("\"", ""), "COMMENT ON " + object + " IS " + SqlText.literal(text));
    }

    private String createTable() {
        return "CREATE " + (table.unlogged() ? "UNLOGGED " : "") + "TABLE " + target() + " ("
                + table.columns().stream().map(this::column).collect(Collectors.joining(", ")) + ")"
                + table.partitionKey().map(key -> " PARTITION BY " + key).orElse("")
                + (table.options().isEmpty()
                        ? ""
                        : table.options().stream()
                                .map(TableDdl::option)
                                .collect(Collectors.joining(", ", " WITH (", ")")));
    }

    /** {@code name=value} with the value in quotes, which every option understands whatever its type. */
    private static String option(String option) {
        int equals = option.indexOf('=');
        return equals < 0 ? option : option.substring(0, equals) + "=" + SqlText.literal(option.substring(equals + 1));
    }

    private String column(Column column) {
        return RelationName.quote(column.name()) + " " + column.type()
                + column.collation().map(c -> " COLLATE " + c).orElse("") + value(column) + notNull(column);
    }

    private String value(Column column) {
        return switch (column.generated()) {
            case NO ->
                column.defaultExpression()
                        .map(e -> " DEFAULT " + onOwnSequences(e))
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
                .map(s -> " GENERATED " + kind + " AS IDENTITY (SEQUENCE NAME " + sequence(s) + " "
                        + SqlText.parameters(s) + ")")
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
        return " CONSTRAINT " + RelationName.quote(named.get().name()) + " NOT NULL"
                + (named.get().definition().endsWith(" NO INHERIT") ? " NO INHERIT" : "");
    }

    private Optional<Constraint> notNullConstraint(Column column) {
        String quoted = "NOT NULL " + RelationName.quote(column.name());
        String plain = PLAIN.matcher(column.name()).matches() ? "NOT NULL " + column.name() : quoted;
        return table.constraints().stream()
                .filter(c -> c.kind() == ConstraintKind.NOT_NULL)
                .filter(c -> (c.definition() + " ").startsWith(quoted + " ")
                        || (c.definition() + " ").startsWith(plain + " "))
                .findFirst();
    }

    /** Whether it is written at its column: NOT NULL, unless it is not validated, which only ALTER TABLE can say. */
    static boolean isInline(Constraint constraint) {
        return constraint.kind() == ConstraintKind.NOT_NULL
                && !constraint.definition().endsWith(" NOT VALID");
    }

    /** A default that is more than {@code nextval} of an owned sequence still has to mean the restored one. */
    private String onOwnSequences(String expression) {
        String result = expression;
        for (Sequence sequence : table.sequences()) {
            for (String spelling : SqlText.spellings(RelationName.of(sequence.schema(), sequence.name()))) {
                result = result.replace(
                        SqlText.literal(spelling) + "::regclass", SqlText.literal(sequence(sequence)) + "::regclass");
            }
        }
        return result;
    }

    private boolean feedsItsColumn(Sequence sequence) {
        return table.columns().stream()
                .anyMatch(c -> c.name().equals(sequence.column())
                        && c.defaultExpression().isEmpty());
    }

    private String setValue(Sequence sequence) {
        return "SELECT setval(" + SqlText.literal(sequence(sequence)) + ", " + sequence.lastValue() + ", "
                + sequence.called() + ")";
    }

    private String createIndex(Index index) {
        return "CREATE " + (index.unique() ? "UNIQUE " : "") + "INDEX " + RelationName.quote(names.index(index.name()))
                + " ON " + target() + " USING " + index.body();
    }

    private List<Constraint> inOrder(Predicate<ConstraintKind> kinds) {
        return table.constraints().stream()
                .filter(c -> kinds.test(c.kind()))
                .sorted(Comparator.comparing(Constraint::kind))
                .toList();
    }

    private String sequence(Sequence sequence) {
        return names.qualified(names.sequence(sequence.name()));
    }

    private String target() {
        return names.target().quoted();
    }

    /** A statement and what it makes, for messages. */
    record Ddl(String subject, String sql) {}
}
