package io.backstop.snapshot.schema;

import io.backstop.api.analysis.RelationName;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Describes a table without its rows, in parts that can be put together again under another name. Every piece of SQL is
 * as PostgreSQL's own {@code pg_get_…} functions write it under {@code search_path = pg_catalog}, so every name in it
 * is qualified. Stored as JSON with the component names in snake case. Immutable, thread-safe.
 *
 * @param schema the schema
 * @param name the table's name
 * @param owner its owner
 * @param unlogged whether it is UNLOGGED
 * @param options its storage parameters, {@code name=value}
 * @param comment its comment
 * @param columns its columns in order, dropped ones left out
 * @param sequences the sequences that its columns own
 * @param constraints its own constraints: keys, checks, exclusions, foreign keys to others
 * @param indexes its indexes, those of constraints left out
 * @param dependents what else belongs to it or hangs on it and goes with DROP … CASCADE, in an order in which it can be
 *     created again
 * @param partitionKey what follows {@code PARTITION BY} where it is a partitioned table. Such a table has no rows of its
 *     own; each of its partitions is described by itself, as a table of its own that has a dependent of kind {@code
 *     partition of} which attaches it
 * @param tablespace its tablespace, where that is not the database's own
 * @param accessMethod its table access method, where that is not {@code heap}
 * @param prerequisites what it needs and does not own: its schema, types, functions, sequences, in an order in which
 *     they can be created; to be created only where they are missing
 * @param foreign what a foreign table has besides; such a table has no rows of its own either
 * @param partitions where it is a partitioned table, its partitions but foreign ones, not those of its partitions; none in
 *     a description from before they were told
 * @param omissions what is there and is not told here, for a reason: one sentence each
 */
public record TableDescription(
        String schema,
        String name,
        String owner,
        boolean unlogged,
        List<String> options,
        Optional<String> comment,
        List<Column> columns,
        List<Sequence> sequences,
        List<Constraint> constraints,
        List<Index> indexes,
        List<Dependent> dependents,
        Optional<String> partitionKey,
        Optional<String> tablespace,
        Optional<String> accessMethod,
        List<Prerequisite> prerequisites,
        List<String> omissions,
        Optional<ForeignTable> foreign,
        List<Partition> partitions) {
    public TableDescription {
        Objects.requireNonNull(schema, "schema");
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(owner, "owner");
        options = List.copyOf(options);
        Objects.requireNonNull(comment, "comment");
        columns = List.copyOf(columns);
        sequences = List.copyOf(sequences);
        constraints = List.copyOf(constraints);
        indexes = List.copyOf(indexes);
        dependents = List.copyOf(dependents);
        Objects.requireNonNull(partitionKey, "partitionKey");
        Objects.requireNonNull(tablespace, "tablespace");
        Objects.requireNonNull(accessMethod, "accessMethod");
        prerequisites = List.copyOf(prerequisites);
        omissions = List.copyOf(omissions);
        Objects.requireNonNull(foreign, "foreign");
        partitions = List.copyOf(partitions);
    }

    /** The same table with other columns and omissions. */
    public TableDescription with(List<Column> otherColumns, List<String> otherOmissions) {
        return with(otherColumns, sequences, constraints, otherOmissions);
    }

    /** The same table with fewer constraints. */
    public TableDescription withConstraints(List<Constraint> otherConstraints, List<String> otherOmissions) {
        return with(columns, sequences, otherConstraints, otherOmissions);
    }

    /** Whether a sequence has its column's type: an identity column's is made in it, and may have been given another since. */
    public boolean isOfItsColumn(Sequence sequence) {
        return columns.stream()
                .anyMatch(column ->
                        column.name().equals(sequence.column()) && column.type().equals(sequence.type()));
    }

    /** The same table with these sequences. */
    public TableDescription withSequences(List<Sequence> otherSequences) {
        return with(columns, otherSequences, constraints, omissions);
    }

    /** What DDL made, without what rows made of it since: two of a table are equal if no DDL ran in between. */
    public TableDescription definitions() {
        return with(columns, sequences.stream().map(Sequence::atStart).toList(), constraints, omissions);
    }

    private TableDescription with(
            List<Column> otherColumns,
            List<Sequence> otherSequences,
            List<Constraint> otherConstraints,
            List<String> otherOmissions) {
        return new TableDescription(
                schema,
                name,
                owner,
                unlogged,
                options,
                comment,
                otherColumns,
                otherSequences,
                otherConstraints,
                indexes,
                dependents,
                partitionKey,
                tablespace,
                accessMethod,
                prerequisites,
                otherOmissions,
                foreign,
                partitions);
    }

    /** The same table, of which this is not told either. */
    public TableDescription omitting(List<String> also) {
        return with(columns, Stream.concat(omissions.stream(), also.stream()).toList());
    }

    /** What rows are made of, without the defaults, which only new ones get. */
    public TableDescription ofRowsAlone() {
        return with(columns.stream().map(Column::withoutDefault).toList(), omissions)
                .omitting(List.of("constraints, indexes, defaults and all else that is not needed to undo one statement"
                        + " were not stored"));
    }

    /** The word that CREATE, DROP and COMMENT use for it; ALTER, LOCK and GRANT say TABLE to both. */
    public String sqlKind() {
        return foreign.isPresent() ? "FOREIGN TABLE" : "TABLE";
    }

    /** A partition, by its name. */
    public record Partition(String schema, String name) {
        public Partition {
            Objects.requireNonNull(schema, "schema");
            Objects.requireNonNull(name, "name");
        }
    }

    /**
     * A column.
     *
     * @param type as {@code format_type} writes it
     * @param collation as a qualified name, where it is not the type's own
     * @param defaultExpression the default, or the expression of a generated column; a default by {@code nextval} of an
     *     owned sequence is left out here and told by that {@link Sequence}
     * @param generated how the value comes about
     * @param settings how its values are kept and looked at
     */
    public record Column(
            String name,
            String type,
            Optional<String> collation,
            boolean notNull,
            Optional<String> defaultExpression,
            Generated generated,
            ColumnSettings settings,
            Optional<String> comment) {
        /** The same column, kept and looked at in another way. */
        public Column with(ColumnSettings others) {
            return new Column(name, type, collation, notNull, defaultExpression, generated, others, comment);
        }

        private Column withoutDefault() {
            return generated == Generated.NO
                    ? new Column(name, type, collation, notNull, Optional.empty(), generated, settings, comment)
                    : this;
        }
    }

    /**
     * How a column's values are kept and looked at, as far as that is not what its type and the server do by themselves.
     *
     * @param storage {@code PLAIN}, {@code EXTERNAL}, {@code EXTENDED} or {@code MAIN}
     * @param compression {@code pglz} or {@code lz4}
     * @param statistics its statistics target
     * @param options its attribute options, {@code name=value}
     */
    public record ColumnSettings(
            Optional<String> storage,
            Optional<String> compression,
            Optional<Integer> statistics,
            List<String> options) {
        /** All of them as the type and the server have them. */
        public static final ColumnSettings DEFAULT =
                new ColumnSettings(Optional.empty(), Optional.empty(), Optional.empty(), List.of());

        public ColumnSettings {
            options = List.copyOf(options);
        }

        /** The text after {@code ALTER COLUMN name}, one for each setting that is not the default. */
        public List<String> actions() {
            return Stream.of(
                            storage.map(s -> "SET STORAGE " + s),
                            compression.map(c -> "SET COMPRESSION " + c),
                            statistics.map(n -> "SET STATISTICS " + n),
                            options.isEmpty()
                                    ? Optional.<String>empty()
                                    : Optional.of("SET (" + String.join(", ", options) + ")"))
                    .flatMap(Optional::stream)
                    .toList();
        }
    }

    /** How a column's value comes about. */
    public enum Generated {
        NO,
        STORED,
        VIRTUAL,
        IDENTITY_ALWAYS,
        IDENTITY_BY_DEFAULT
    }

    /**
     * A sequence that a column owns: of an identity column, or of a serial one.
     *
     * @param column the owning column
     * @param feeding whether the column's default is {@code nextval} of it, as {@code serial} makes it
     * @param type its data type
     * @param lastValue the last value it gave, or its start where it gave none
     * @param called whether it gave {@code lastValue} already
     */
    public record Sequence(
            String schema,
            String name,
            String column,
            boolean identity,
            boolean feeding,
            String type,
            long start,
            long increment,
            long minimum,
            long maximum,
            long cache,
            boolean cycle,
            long lastValue,
            boolean called) {

        /** The same sequence, as far as another state of it has come, if that is further. */
        public Sequence advancedTo(Sequence other) {
            boolean further = increment > 0 ? other.lastValue() > lastValue : other.lastValue() < lastValue;
            boolean sameButCalled = other.lastValue() == lastValue && other.called();
            return further || sameButCalled
                    ? new Sequence(
                            schema,
                            name,
                            column,
                            identity,
                            feeding,
                            type,
                            start,
                            increment,
                            minimum,
                            maximum,
                            cache,
                            cycle,
                            other.lastValue(),
                            other.called())
                    : this;
        }

        /** The same sequence before it gave its first number. */
        Sequence atStart() {
            return new Sequence(
                    schema, name, column, identity, feeding, type, start, increment, minimum, maximum, cache, cycle,
                    start, false);
        }

        /** The parameters, as {@code CREATE SEQUENCE} and the parentheses of an identity column both take them. */
        public String parameters() {
            return "START WITH " + start + " INCREMENT BY " + increment + " MINVALUE " + minimum + " MAXVALUE "
                    + maximum + " CACHE " + cache + (cycle ? " CYCLE" : " NO CYCLE");
        }
    }

    /**
     * A constraint.
     *
     * A NOT NULL constraint is among them where the server knows such constraints by name (from PostgreSQL 18 on); its
     * column says {@code notNull} as well.
     *
     * @param columns the columns that it is about, in their order; none for an expression without one. A description from
     *     before they were told has those of foreign keys and NOT NULL constraints alone
     * @param definition what follows {@code CONSTRAINT name}, as {@code pg_get_constraintdef} writes it; where a foreign
     *     key refers to the table itself, its name is written as {@link #SELF}
     * @param validated whether it holds for rows that were there before it; false for {@code NOT VALID}
     * @param noInherit whether children do not inherit it
     * @param index the settings of its index, where it is kept by one
     * @param foreignKey what a foreign key refers to, and how; empty for every other kind
     */
    public record Constraint(
            String name,
            ConstraintKind kind,
            List<String> columns,
            String definition,
            boolean validated,
            boolean noInherit,
            Optional<String> comment,
            Optional<IndexSettings> index,
            Optional<ForeignKey> foreignKey) {
        public Constraint {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(kind, "kind");
            columns = List.copyOf(columns);
            Objects.requireNonNull(definition, "definition");
            Objects.requireNonNull(comment, "comment");
            Objects.requireNonNull(index, "index");
            if (foreignKey.isPresent() != (kind == ConstraintKind.FOREIGN_KEY)) {
                throw new IllegalArgumentException("constraint " + name + " of kind " + kind
                        + (foreignKey.isPresent() ? " cannot refer to a table" : " has to refer to a table"));
            }
        }

        /** Stands for the table's own qualified name in the definition of a foreign key to itself. */
        public static final String SELF = "\u0001self\u0001";
    }

    /** The kinds of constraint, in the order in which they are created. */
    public enum ConstraintKind {
        NOT_NULL,
        CHECK,
        PRIMARY_KEY,
        UNIQUE,
        EXCLUSION,
        FOREIGN_KEY
    }

    /**
     * The reference of a foreign key, and its actions (PostgreSQL documentation, CREATE TABLE, REFERENCES).
     *
     * @param schema the schema of the referenced table
     * @param table the referenced table
     * @param columns the referenced columns, in the order of the referring ones
     * @param self whether it refers to the table that it belongs to
     * @param onDeleteColumns the columns that {@code ON DELETE SET NULL} or {@code SET DEFAULT} sets, where it does not set
     *     all (from PostgreSQL 15 on)
     */
    public record ForeignKey(
            String schema,
            String table,
            List<String> columns,
            boolean self,
            MatchType match,
            ReferentialAction onUpdate,
            ReferentialAction onDelete,
            List<String> onDeleteColumns,
            boolean deferrable,
            boolean initiallyDeferred) {
        public ForeignKey {
            Objects.requireNonNull(schema, "schema");
            Objects.requireNonNull(table, "table");
            columns = List.copyOf(columns);
            Objects.requireNonNull(match, "match");
            Objects.requireNonNull(onUpdate, "onUpdate");
            Objects.requireNonNull(onDelete, "onDelete");
            onDeleteColumns = List.copyOf(onDeleteColumns);
        }

        /** Whether it refers to the table of this name. */
        public boolean refersTo(RelationName name) {
            return name.name().equals(table) && name.schema().equals(Optional.of(schema));
        }
    }

    /** How a foreign key with several columns treats NULL. */
    public enum MatchType {
        SIMPLE,
        FULL,
        PARTIAL
    }

    /** The effect on referring rows when a referenced row changes. */
    public enum ReferentialAction {
        NO_ACTION,
        RESTRICT,
        CASCADE,
        SET_NULL,
        SET_DEFAULT
    }

    /**
     * An index.
     *
     * @param method its access method: {@code btree}
     * @param partial whether it has a WHERE
     * @param body what follows {@code USING} in {@code pg_get_indexdef}: {@code btree (lower(email)) WHERE …}
     */
    public record Index(
            String name, boolean unique, String method, boolean partial, String body, IndexSettings settings) {}

    /**
     * Settings of an index that its definition does not say.
     *
     * @param options its storage parameters, {@code name=value}; those of an index that belongs to no constraint are in
     *     its body
     * @param tablespace its tablespace, where that is not the database's own
     * @param statistics the statistics targets of its columns, by their number
     */
    public record IndexSettings(
            List<String> options,
            Optional<String> tablespace,
            Map<Integer, Integer> statistics,
            Optional<String> comment) {
        public IndexSettings {
            options = List.copyOf(options);
            statistics = Collections.unmodifiableMap(new TreeMap<>(statistics));
        }
    }

    /**
     * Something that hangs on the table.
     *
     * @param identity its name for people: {@code orders_user_id_fkey on public.orders}
     * @param sql the statements that create it again once the table has its name back, without a final semicolon each
     * @param needs what has to be there for that and may be gone, for it belongs to nobody's description
     * @param own whether it is a part of the table; else it is somewhere else and refers to it
     * @param drop the statement that drops it, where it is elsewhere and is not gone with something else
     * @param place where it stands: told of constraints, defaults, indexes and foreign keys, and of a child or a partition,
     *     whose place is its parent. A description from before it was told has that of foreign keys, children and partitions
     */
    public record Dependent(
            DependentKind kind,
            String identity,
            List<String> sql,
            List<Requirement> needs,
            boolean own,
            Optional<String> drop,
            Optional<Place> place) {
        public Dependent {
            Objects.requireNonNull(kind, "kind");
            Objects.requireNonNull(identity, "identity");
            Objects.requireNonNull(drop, "drop");
            Objects.requireNonNull(place, "place");
            sql = List.copyOf(sql);
            needs = List.copyOf(needs);
        }
    }

    /**
     * The table that something stands on.
     *
     * @param schema the table's schema
     * @param table the table
     * @param name what it is called there; a column's name for a default
     */
    public record Place(String schema, String table, String name) {
        public Place {
            Objects.requireNonNull(schema, "schema");
            Objects.requireNonNull(table, "table");
            Objects.requireNonNull(name, "name");
        }

        /** Whether that is the table of this name. */
        public boolean isOn(RelationName relation) {
            return relation.name().equals(table) && relation.schema().equals(Optional.of(schema));
        }
    }

    /**
     * Something beside tables that a statement names.
     *
     * @param name its name, unquoted; empty for a superuser
     */
    public record Requirement(RequirementKind kind, String name) {
        public Requirement {
            Objects.requireNonNull(kind, "kind");
            Objects.requireNonNull(name, "name");
        }
    }

    /**
     * Something that the table needs and does not own.
     *
     * @param identity its name, as the server writes it under {@code search_path = pg_catalog}: qualified and quoted where
     *     it has a schema, with the types of its arguments where it has any
     * @param sql the statements that create it, without a final semicolon each
     */
    public record Prerequisite(PrerequisiteKind kind, String identity, List<String> sql) {
        public Prerequisite {
            Objects.requireNonNull(kind, "kind");
            Objects.requireNonNull(identity, "identity");
            sql = List.copyOf(sql);
        }
    }
}
