package io.backstop.snapshot.schema;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.snapshot.schema.TableDescription.Column;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.ConstraintKind;
import io.backstop.snapshot.schema.TableDescription.Index;
import io.backstop.snapshot.schema.TableDescription.IndexSettings;
import io.backstop.snapshot.schema.TableDescription.Sequence;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Writes the statements that build a described table under the given names: first the parts that hold rows, then those
 * that are faster or only possible once the rows are there. Prerequisites and dependents are not included. For a
 * transaction in which {@code standard_conforming_strings} is on. Immutable, thread-safe.
 */
public final class TableSql {
    /** What follows an index's own clauses. Matches at the end of every definition. */
    private static final Pattern DEFERRED = Pattern.compile("(?: DEFERRABLE)?(?: INITIALLY DEFERRED)?$");

    private final TableDescription table;
    private final PartNames names;
    private final ColumnSql columns;

    public TableSql(TableDescription table, PartNames names) {
        this.table = table;
        this.names = names;
        this.columns = new ColumnSql(table, names);
    }

    /** Sequences and the table, ready for COPY. */
    public List<Piece> beforeRows() {
        List<Piece> pieces = new ArrayList<>();
        List<Sequence> serials =
                table.sequences().stream().filter(s -> !s.identity()).toList();
        serials.forEach(s -> pieces.add(new Piece(
                "sequence " + names.sequence(s.name()),
                "CREATE SEQUENCE " + columns.sequence(s) + " AS " + s.type() + " " + s.parameters())));
        pieces.add(new Piece("table " + names.target(), createTable()));
        for (Sequence s : table.sequences()) {
            if (s.identity() && !table.isOfItsColumn(s)) {
                pieces.add(new Piece(
                        "sequence " + names.sequence(s.name()),
                        "ALTER SEQUENCE " + columns.sequence(s) + " AS " + s.type() + " " + s.parameters()
                                + " RESTART"));
            }
        }
        serials.forEach(s -> pieces.add(new Piece(
                "sequence " + names.sequence(s.name()),
                "ALTER SEQUENCE " + columns.sequence(s) + " OWNED BY " + target() + "."
                        + RelationName.quote(s.column()))));
        serials.stream()
                .filter(Sequence::feeding)
                .forEach(s -> pieces.add(new Piece(
                        "default of column " + s.column(),
                        "ALTER TABLE " + target() + " ALTER COLUMN " + RelationName.quote(s.column())
                                + " SET DEFAULT nextval(" + SqlSpelling.literal(columns.sequence(s)) + "::regclass)")));
        for (Column column : table.columns()) {
            column.settings()
                    .actions()
                    .forEach(action -> pieces.add(new Piece(
                            "settings of column " + column.name(),
                            "ALTER TABLE " + target() + " ALTER COLUMN " + RelationName.quote(column.name()) + " "
                                    + action)));
        }
        return pieces;
    }

    /** Keys, checks, exclusions, indexes and sequence values; foreign keys are {@link #foreignKeys}. */
    public List<Piece> afterRows() {
        List<Piece> pieces = new ArrayList<>();
        inOrder(kind -> kind != ConstraintKind.FOREIGN_KEY).stream()
                .filter(c -> !isInline(c))
                .forEach(c -> pieces.add(constraint(c)));
        pieces.addAll(indexes());
        pieces.addAll(sequenceValues());
        return pieces;
    }

    /** Whether a constraint is written at its column, and so is there with the table. */
    public static boolean isInline(Constraint constraint) {
        return ColumnSql.isInline(constraint);
    }

    /** The indexes that belong to no constraint. */
    public List<Piece> indexes() {
        return table.indexes().stream()
                .map(i -> new Piece("index " + i.name(), index(i)))
                .toList();
    }

    /** Where the owned sequences go on. */
    public List<Piece> sequenceValues() {
        return table.sequences().stream()
                .map(s -> new Piece("value of sequence " + s.name(), setValue(s)))
                .toList();
    }

    /** The foreign keys to other tables and to the table itself. */
    public List<Constraint> foreignKeys() {
        return inOrder(kind -> kind == ConstraintKind.FOREIGN_KEY);
    }

    /** {@code ALTER TABLE … ADD CONSTRAINT} with a definition of this constraint or one derived from it. */
    public String addConstraint(Constraint constraint, String definition) {
        return "ALTER TABLE " + target() + " ADD CONSTRAINT "
                + RelationName.quote(names.constraint(constraint.name())) + " "
                + definition.replace(Constraint.SELF, target());
    }

    /** Comments of the table and of every part that is there. */
    public List<Piece> comments(List<Constraint> leftOut) {
        List<Piece> pieces = new ArrayList<>();
        table.comment().ifPresent(text -> pieces.add(comment(table.sqlKind() + " " + target(), text)));
        for (Column column : table.columns()) {
            column.comment()
                    .ifPresent(text ->
                            pieces.add(comment("COLUMN " + target() + "." + RelationName.quote(column.name()), text)));
        }
        Set<String> left = leftOut.stream().map(Constraint::name).collect(Collectors.toSet());
        pieces.addAll(commentsOfConstraintsAndIndexes(name -> !left.contains(name)));
        return pieces;
    }

    /** @param which of the constraints and indexes, by their original names */
    public List<Piece> commentsOfConstraintsAndIndexes(Predicate<String> which) {
        List<Piece> pieces = new ArrayList<>();
        table.constraints().stream().filter(c -> which.test(c.name())).forEach(constraint -> {
            String name = names.constraint(constraint.name());
            constraint
                    .comment()
                    .ifPresent(text ->
                            pieces.add(comment("CONSTRAINT " + RelationName.quote(name) + " ON " + target(), text)));
            constraint
                    .index()
                    .flatMap(IndexSettings::comment)
                    .ifPresent(text -> pieces.add(comment("INDEX " + columns.qualified(name), text)));
        });
        table.indexes().stream()
                .filter(i -> which.test(i.name()))
                .forEach(index -> index.settings()
                        .comment()
                        .ifPresent(text ->
                                pieces.add(comment("INDEX " + columns.qualified(names.index(index.name())), text))));
        return pieces;
    }

    private static Piece comment(String object, String text) {
        return new Piece(
                "comment on " + object.replace("\"", ""), "COMMENT ON " + object + " IS " + SqlSpelling.literal(text));
    }

    private String createTable() {
        return placed(
                table.tablespace(),
                table.accessMethod(),
                "CREATE " + (table.unlogged() ? "UNLOGGED " : "") + table.sqlKind() + " " + target() + " ("
                        + table.columns().stream().map(columns::definition).collect(Collectors.joining(", ")) + ")"
                        + table.partitionKey()
                                .map(key -> " PARTITION BY " + key)
                                .orElse("")
                        + options(" WITH ", table.options())
                        + table.foreign().map(TableSql::server).orElse(""));
    }

    private static String server(ForeignTable foreign) {
        return " SERVER " + RelationName.quote(foreign.server()) + ForeignTable.optionsClause(foreign.options());
    }

    /** {@code name=value} with the value in quotes, which every option understands whatever its type. */
    private static String options(String before, List<String> options) {
        return options.isEmpty()
                ? ""
                : options.stream().map(TableSql::option).collect(Collectors.joining(", ", before + "(", ")"));
    }

    private static String option(String option) {
        int equals = option.indexOf('=');
        return equals < 0
                ? option
                : option.substring(0, equals) + "=" + SqlSpelling.literal(option.substring(equals + 1));
    }

    /** A constraint, with the settings of its index where it has one. */
    public Piece constraint(Constraint constraint) {
        String name = names.constraint(constraint.name());
        String sql = constraint
                .index()
                .map(settings -> takesOptionsAtOnce(constraint)
                        ? placed(
                                settings.tablespace(),
                                Optional.empty(),
                                addConstraint(constraint, withOptions(constraint.definition(), settings.options())))
                        : placed(
                                        settings.tablespace(),
                                        Optional.empty(),
                                        addConstraint(constraint, constraint.definition()))
                                + settings(name, settings))
                .orElseGet(() -> addConstraint(constraint, constraint.definition()));
        return new Piece("constraint " + constraint.name(), sql);
    }

    /** ALTER INDEX … SET is not for partitioned indexes, whose columns have no statistics targets either. */
    private boolean takesOptionsAtOnce(Constraint constraint) {
        return table.partitionKey().isPresent()
                && (constraint.kind() == ConstraintKind.PRIMARY_KEY || constraint.kind() == ConstraintKind.UNIQUE);
    }

    private static String withOptions(String definition, List<String> options) {
        int end =
                DEFERRED.matcher(definition).results().findFirst().orElseThrow().start();
        return definition.substring(0, end) + options(" WITH ", options) + definition.substring(end);
    }

    /** {@code CREATE INDEX}, with the settings of the index. */
    public String index(Index index) {
        String create = "CREATE " + (index.unique() ? "UNIQUE " : "") + "INDEX "
                + RelationName.quote(names.index(index.name())) + " ON " + target() + " USING " + index.body();
        return placed(index.settings().tablespace(), Optional.empty(), create)
                + settings(names.index(index.name()), index.settings());
    }

    private String settings(String index, IndexSettings settings) {
        String alter = ";\nALTER INDEX " + columns.qualified(index);
        return options(alter + " SET ", settings.options())
                + settings.statistics().entrySet().stream()
                        .map(target ->
                                alter + " ALTER COLUMN " + target.getKey() + " SET STATISTICS " + target.getValue())
                        .collect(Collectors.joining());
    }

    /**
     * A statement that makes something where it was, if that is there and may be used: CREATE … TABLESPACE would fail
     * where it is not.
     */
    private static String placed(Optional<String> tablespace, Optional<String> accessMethod, String create) {
        StringBuilder before = new StringBuilder();
        StringBuilder after = new StringBuilder();
        tablespace.ifPresent(name -> {
            before.append(setting(
                    "default_tablespace",
                    "coalesce((SELECT spcname::text FROM pg_catalog.pg_tablespace WHERE spcname = "
                            + SqlSpelling.literal(name)
                            + " AND pg_catalog.has_tablespace_privilege(oid, 'CREATE')), '')"));
            after.append(";\n").append(setting("default_tablespace", "''"));
        });
        accessMethod.ifPresent(name -> {
            before.append(setting(
                    "default_table_access_method",
                    "coalesce((SELECT amname::text FROM pg_catalog.pg_am WHERE amtype = 't' AND amname = "
                            + SqlSpelling.literal(name) + "), 'heap')"));
            after.append(";\n").append(setting("default_table_access_method", "'heap'"));
        });
        return before + create + (after.isEmpty() ? "" : after.substring(0, after.length() - 2));
    }

    private static String setting(String name, String value) {
        return "SELECT pg_catalog.set_config('" + name + "', " + value + ", true);\n";
    }

    private String setValue(Sequence sequence) {
        return "SELECT pg_catalog.setval(" + SqlSpelling.literal(columns.sequence(sequence)) + ", "
                + sequence.lastValue() + ", " + sequence.called() + ")";
    }

    private List<Constraint> inOrder(Predicate<ConstraintKind> kinds) {
        return table.constraints().stream()
                .filter(c -> kinds.test(c.kind()))
                .sorted(Comparator.comparing(Constraint::kind))
                .toList();
    }

    private String target() {
        return names.target().quoted();
    }

    /**
     * The statements that make one part.
     *
     * @param subject the part, for messages
     * @param sql a statement, or several with semicolons between them that belong together
     */
    public record Piece(String subject, String sql) {}
}
