package io.backstop.recovery.internal.copyback;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.recovery.internal.sql.MissingRequirements;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.sql.ServerCapabilities;
import io.backstop.snapshot.schema.DependentKind;
import io.backstop.snapshot.schema.PartNames;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Column;
import io.backstop.snapshot.schema.TableDescription.ColumnSettings;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.ConstraintKind;
import io.backstop.snapshot.schema.TableDescription.Dependent;
import io.backstop.snapshot.schema.TableDescription.Generated;
import io.backstop.snapshot.schema.TableDescription.Index;
import io.backstop.snapshot.schema.TableDescription.Sequence;
import io.backstop.snapshot.schema.TableSql;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** Finds what one description of a table has and another one of its name has not. Used once. */
final class PartComparison {
    /** Whether it belongs to a parent is told by {@link DetachedChildren}. */
    private static final Set<DependentKind> ATTACHING = EnumSet.of(
            DependentKind.PARTITION_OF,
            DependentKind.INHERITS,
            DependentKind.INHERITED_PARTS,
            DependentKind.ATTACHED_INDEX);

    static final String LOGGING = "logging";

    private static final String STANDS_ALONE =
            "EXISTS (SELECT FROM pg_sequence s WHERE s.seqrelid = to_regclass(?) AND NOT EXISTS (SELECT FROM pg_depend d"
                    + " WHERE d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.deptype IN ('a', 'i')))";

    private final RecoveryTransaction transaction;
    private final TableDescription had;
    private final TableDescription has;
    private final MissingRequirements needs;
    private final boolean namesNotNull;
    private final Optional<Function<String, String>> another;
    private final TableSql sql;
    private final String alter;
    private final String alterAlone;
    private final List<Part> parts = new ArrayList<>();

    /**
     * @param another the sentence that says of something which both have otherwise under one name why it is not made; empty
     *     where that is taken for the same
     */
    PartComparison(
            RecoveryTransaction transaction,
            TableDescription had,
            TableDescription has,
            Optional<Function<String, String>> another)
            throws SQLException {
        this.transaction = transaction;
        this.another = another;
        this.had = had;
        this.has = has;
        this.needs = new MissingRequirements(transaction);
        this.namesNotNull = ServerCapabilities.namesNotNull(transaction);
        this.sql = new TableSql(had, PartNames.original(had));
        String name = RelationName.of(had.schema(), had.name()).quoted();
        this.alter = "ALTER TABLE " + name + " ";
        this.alterAlone = "ALTER TABLE ONLY " + name + " ";
    }

    List<Part> parts() throws SQLException {
        had.columns().forEach(this::column);
        for (Sequence s : had.sequences()) {
            compare(s);
        }
        constraints(false);
        for (Index index : had.indexes()) {
            if (has.indexes().stream()
                    .anyMatch(other -> other.name().equals(index.name())
                            && !(other.body().equals(index.body()) && other.unique() == index.unique()))) {
                differs("index " + index.name(), List.of(sql.index(index)));
            }
            comment(
                    "index " + index.name(),
                    "INDEX " + RelationName.of(had.schema(), index.name()).quoted(),
                    index.settings().comment(),
                    has.indexes().stream()
                            .anyMatch(other -> other.name().equals(index.name())
                                    && other.settings().comment().isEmpty()));
            if (has.indexes().stream()
                    .noneMatch(other -> other.name().equals(index.name())
                            || (isRenamed(other)
                                    && other.body().equals(index.body())
                                    && other.unique() == index.unique()))) {
                lost(
                        "index " + index.name(),
                        withComment(
                                sql.index(index),
                                "INDEX "
                                        + RelationName.of(had.schema(), index.name())
                                                .quoted(),
                                index.settings().comment()));
            }
        }
        constraints(true);
        unset(had.options(), has.options())
                .forEach(option -> lost("setting " + option, List.of(alter + "SET (" + option + ")")));
        if (!had.unlogged() && has.unlogged()) {
            lost(LOGGING, List.of(alterAlone + "SET LOGGED"));
        }
        if (!had.owner().equals(has.owner())) {
            lost("owner " + had.owner(), List.of(alter + "OWNER TO " + RelationName.quote(had.owner())));
        }
        if (!had.comment().equals(has.comment()) && had.comment().isPresent()) {
            lost(
                    "its comment",
                    List.of("COMMENT ON " + had.sqlKind() + " "
                            + RelationName.of(had.schema(), had.name()).quoted() + " IS "
                            + SqlSpelling.literal(had.comment().get())));
        }
        for (Dependent dependent : had.dependents()) {
            if (!ATTACHING.contains(dependent.kind()) || hasLeftParentThatIsThere(dependent)) {
                dependent(dependent);
            }
        }
        return List.copyOf(parts);
    }

    /** Of a parent that comes back with these, {@link DetachedChildren} tells. */
    private boolean hasLeftParentThatIsThere(Dependent dependent) throws SQLException {
        return dependent.kind() == DependentKind.INHERITS
                && dependent.place().isPresent()
                && transaction.holds(
                        "to_regclass(?) IS NOT NULL",
                        RelationName.of(
                                        dependent.place().get().schema(),
                                        dependent.place().get().table())
                                .quoted());
    }

    /** One that had the same name before is another one, though it may be made alike. */
    private boolean isRenamed(Index index) {
        return had.indexes().stream().noneMatch(before -> before.name().equals(index.name()));
    }

    private boolean isRenamed(Constraint constraint) {
        return had.constraints().stream().noneMatch(before -> before.name().equals(constraint.name()));
    }

    private void dependent(Dependent dependent) throws SQLException {
        List<Dependent> same = has.dependents().stream()
                .filter(other -> other.kind() == dependent.kind()
                        && (other.identity().equals(dependent.identity())
                                || other.sql().equals(dependent.sql())))
                .toList();
        if (same.isEmpty()) {
            parts.add(Part.of(dependent, needs.missing(dependent)));
        } else if (another.isPresent()
                && same.stream().noneMatch(other -> other.sql().equals(dependent.sql()))) {
            parts.add(Part.of(dependent, another.map(why -> why.apply(dependent.kind() + " " + dependent.identity()))));
        }
    }

    private void differs(String words, List<String> statements) {
        another.ifPresent(why ->
                parts.add(new Part(words, statements, Optional.of(why.apply(words)), Stage.TABLE, Optional.empty())));
    }

    private void lost(String words, List<String> statements) {
        lost(words, statements, Stage.TABLE);
    }

    private void lost(String words, List<String> statements, Stage stage) {
        parts.add(new Part(words, statements, Optional.empty(), stage, Optional.empty()));
    }

    private void column(Column column) {
        Column other = has.columns().stream()
                .filter(c -> c.name().equals(column.name()))
                .findFirst()
                .orElse(column);
        String change = alter + "ALTER COLUMN " + RelationName.quote(column.name()) + " ";
        // Partitions and children may have others, or none; what they have lost is their own.
        String alone = alterAlone + "ALTER COLUMN " + RelationName.quote(column.name()) + " ";
        if (column.notNull() && !other.notNull()) {
            lost("NOT NULL of column " + column.name(), List.of(notNull(column).orElse(change + "SET NOT NULL")));
        }
        if (column.generated() == Generated.NO
                && column.defaultExpression().isPresent()
                && other.defaultExpression().isEmpty()) {
            lost(
                    "default of column " + column.name(),
                    List.of(alone + "SET DEFAULT " + column.defaultExpression().get()));
        }
        if (column.generated() == Generated.NO
                && column.defaultExpression().isPresent()
                && other.defaultExpression().isPresent()
                && !column.defaultExpression().equals(other.defaultExpression())) {
            differs(
                    "default of column " + column.name(),
                    List.of(alone + "SET DEFAULT " + column.defaultExpression().get()));
        }
        if (isIdentity(column) && isIdentity(other) && column.generated() != other.generated()) {
            differs(
                    "identity of column " + column.name(),
                    List.of(alone + "SET GENERATED "
                            + (column.generated() == Generated.IDENTITY_ALWAYS ? "ALWAYS" : "BY DEFAULT")));
        }
        settings(column, other.settings(), alone);
        if (column.comment().isPresent() && other.comment().isEmpty()) {
            lost(
                    "comment of column " + column.name(),
                    List.of("COMMENT ON COLUMN "
                            + RelationName.of(had.schema(), had.name()).quoted() + "."
                            + RelationName.quote(column.name()) + " IS "
                            + SqlSpelling.literal(column.comment().get())));
        }
    }

    private static boolean isIdentity(Column column) {
        return column.generated() == Generated.IDENTITY_ALWAYS || column.generated() == Generated.IDENTITY_BY_DEFAULT;
    }

    private static List<String> withComment(String statement, String object, Optional<String> comment) {
        return comment.map(text -> List.of(statement, "COMMENT ON " + object + " IS " + SqlSpelling.literal(text)))
                .orElse(List.of(statement));
    }

    /** What is kept by no name of its own; what is set otherwise now was set since. */
    private void settings(Column column, ColumnSettings other, String change) {
        ColumnSettings missing = new ColumnSettings(
                other.storage().isPresent()
                        ? Optional.empty()
                        : column.settings().storage(),
                other.compression().isPresent()
                        ? Optional.empty()
                        : column.settings().compression(),
                other.statistics().isPresent()
                        ? Optional.empty()
                        : column.settings().statistics(),
                unset(column.settings().options(), other.options()));
        missing.actions().forEach(action -> lost("setting of column " + column.name(), List.of(change + action)));
        ColumnSettings changed = new ColumnSettings(
                changed(column.settings().storage(), other.storage()),
                changed(column.settings().compression(), other.compression()),
                changed(column.settings().statistics(), other.statistics()),
                List.of());
        changed.actions().forEach(action -> differs("setting of column " + column.name(), List.of(change + action)));
    }

    private static <T> Optional<T> changed(Optional<T> setting, Optional<T> other) {
        return setting.filter(set -> other.filter(now -> !now.equals(set)).isPresent());
    }

    private static List<String> unset(List<String> options, List<String> has) {
        return options.stream()
                .filter(option -> has.stream().noneMatch(other -> key(other).equals(key(option))))
                .toList();
    }

    private static String key(String option) {
        return option.substring(0, option.indexOf('=') + 1);
    }

    private Optional<String> notNull(Column column) {
        return had.constraints().stream()
                .filter(c -> namesNotNull
                        && c.kind() == ConstraintKind.NOT_NULL
                        && c.columns().equals(List.of(column.name())))
                .map(c -> sql.addConstraint(c, c.definition()))
                .findFirst();
    }

    /** One that is there and belongs to no column any more may feed others. */
    private void compare(Sequence s) throws SQLException {
        String words = "sequence " + s.name() + " of column " + s.column();
        String name = RelationName.of(s.schema(), s.name()).quoted();
        Optional<Sequence> other = has.sequences().stream()
                .filter(present -> present.column().equals(s.column()))
                .findFirst();
        if (other.isEmpty() && transaction.holds(STANDS_ALONE, name)) {
            List<String> statements = List.of("ALTER SEQUENCE " + name + " OWNED BY "
                    + RelationName.of(had.schema(), had.name()).quoted() + "." + RelationName.quote(s.column()));
            if (another.isPresent()) {
                differs(words, statements);
            } else {
                lost(words, statements);
            }
        } else if (other.isEmpty()) {
            lost(words, sequence(s));
        } else if (!other.get().type().equals(s.type())
                || !other.get().parameters().equals(s.parameters())) {
            differs(words, List.of("ALTER SEQUENCE " + name + " AS " + s.type() + " " + s.parameters()));
        }
        if (s.feeding() && other.filter(present -> !present.feeding()).isPresent() && hasNoDefault(s.column())) {
            lost(
                    "default of column " + s.column(),
                    List.of(alterAlone + "ALTER COLUMN " + RelationName.quote(s.column()) + " SET DEFAULT nextval("
                            + SqlSpelling.literal(name) + "::regclass)"));
        }
    }

    private boolean hasNoDefault(String column) {
        return has.columns().stream()
                .anyMatch(c -> c.name().equals(column) && c.defaultExpression().isEmpty());
    }

    /** It goes on after the highest number that was given or is there. */
    private List<String> sequence(Sequence s) {
        String name = RelationName.of(s.schema(), s.name()).quoted();
        String column = RelationName.quote(s.column());
        String table = RelationName.of(had.schema(), had.name()).quoted();
        List<String> statements = new ArrayList<>();
        if (s.identity()) {
            String kind = had.columns().stream()
                            .anyMatch(c -> c.name().equals(s.column()) && c.generated() == Generated.IDENTITY_ALWAYS)
                    ? "ALWAYS"
                    : "BY DEFAULT";
            statements.add(alter + "ALTER COLUMN " + column + " ADD GENERATED " + kind + " AS IDENTITY (SEQUENCE NAME "
                    + name + (had.isOfItsColumn(s) ? " " + s.parameters() : "") + ")");
            if (!had.isOfItsColumn(s)) {
                statements.add("ALTER SEQUENCE " + name + " AS " + s.type() + " " + s.parameters() + " RESTART");
            }
        } else {
            statements.add("CREATE SEQUENCE " + name + " AS " + s.type() + " " + s.parameters());
            statements.add("ALTER SEQUENCE " + name + " OWNER TO " + RelationName.quote(has.owner()));
            statements.add("ALTER SEQUENCE " + name + " OWNED BY " + table + "." + column);
            if (s.feeding()) {
                statements.add(alterAlone + "ALTER COLUMN " + column + " SET DEFAULT nextval("
                        + SqlSpelling.literal(name) + "::regclass)");
            }
        }
        String end = s.increment() > 0 ? "greatest(" : "least(";
        String most = s.increment() > 0 ? "max(" : "min(";
        statements.add("SELECT setval(" + SqlSpelling.literal(name) + ", " + end + s.lastValue() + ", (SELECT "
                + most
                + column + ")::bigint FROM " + table + " WHERE " + column + " BETWEEN " + s.minimum() + " AND "
                + s.maximum() + ")), " + s.called() + " OR EXISTS (SELECT FROM " + table + "))");
        return statements;
    }

    private void constraints(boolean foreign) {
        for (Constraint constraint : had.constraints()) {
            boolean asked =
                    (constraint.kind() == ConstraintKind.FOREIGN_KEY) == foreign && !TableSql.isInline(constraint);
            if (asked
                    && has.constraints().stream()
                            .anyMatch(other -> other.name().equals(constraint.name())
                                    && !(other.kind() == constraint.kind()
                                            && other.definition().equals(constraint.definition())))) {
                differs(words(constraint), List.of(sql.constraint(constraint).sql()));
            }
            if (asked
                    && has.constraints().stream()
                            .noneMatch(other -> other.name().equals(constraint.name())
                                    || (isRenamed(other)
                                            && other.kind() == constraint.kind()
                                            && other.definition().equals(constraint.definition())))) {
                lost(
                        words(constraint),
                        withComment(sql.constraint(constraint).sql(), onTable(constraint), constraint.comment()),
                        foreign ? Stage.FOREIGN_KEY : Stage.TABLE);
            }
            if (asked) {
                comment(
                        words(constraint),
                        onTable(constraint),
                        constraint.comment(),
                        has.constraints().stream()
                                .anyMatch(other -> other.name().equals(constraint.name())
                                        && other.comment().isEmpty()));
            }
        }
    }

    /** Of a constraint or an index that both have, and that has none now. */
    private void comment(String words, String object, Optional<String> stored, boolean isThere) {
        if (isThere && stored.isPresent()) {
            lost("comment of " + words, List.of("COMMENT ON " + object + " IS " + SqlSpelling.literal(stored.get())));
        }
    }

    private String onTable(Constraint constraint) {
        return "CONSTRAINT " + RelationName.quote(constraint.name()) + " ON "
                + RelationName.of(had.schema(), had.name()).quoted();
    }

    private static String words(Constraint constraint) {
        return wordsOfConstraint(constraint.name());
    }

    static String wordsOfConstraint(String name) {
        return "constraint " + name;
    }

    /** When something can be made again. */
    enum Stage {
        /** Needs nothing but its table. */
        TABLE,
        /** Needs the key of another table, which may have been lost, too. */
        FOREIGN_KEY,
        /** Needs whatever else there is. */
        DEPENDENT
    }

    /**
     * Something that the other table has not.
     *
     * @param obstacle why it cannot be made now
     * @param dependent what it is, where it only hangs on the table
     */
    record Part(String words, List<String> sql, Optional<String> obstacle, Stage stage, Optional<Dependent> dependent) {
        Part {
            sql = List.copyOf(sql);
        }

        static Part of(Dependent dependent, Optional<String> obstacle) {
            return new Part(
                    dependent.kind() + " " + dependent.identity(),
                    dependent.sql(),
                    obstacle,
                    Stage.DEPENDENT,
                    Optional.of(dependent));
        }
    }
}
