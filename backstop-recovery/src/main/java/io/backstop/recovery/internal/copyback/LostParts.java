package io.backstop.recovery.internal.copyback;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.api.snapshot.SnapshotManifest.TableIdentity;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.recovery.model.RestoredTable;
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
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Finds what the stored table had and the present one of its name has not: keys, defaults, indexes, policies, triggers,
 * grants, views and all else. Where the present table is another one, made since, the script completes it; else the parts may
 * have been taken off rightly, and are only offered. Immutable.
 *
 * @param madeAgain whether the present table is another one than that which was stored
 * @param wanted whether they were asked for, so that the table gets them even where it is the same
 */
record LostParts(RestoredTable restored, PresentTable present, boolean madeAgain, boolean wanted, List<Part> parts) {
    private static final String OID =
            "SELECT c.oid::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                    + "JOIN pg_database d ON d.datname = current_database() WHERE n.nspname = ? AND c.relname = ? "
                    + "AND d.oid::text = ?";

    /** @param otherwise whether something that hangs on the table comes back by another part of the script */
    static LostParts of(
            RecoveryTransaction transaction, PlannedTable table, boolean wanted, Predicate<Dependent> otherwise)
            throws SQLException {
        PresentTable present = table.present().orElseThrow();
        List<Part> parts =
                new Comparison(transaction, table.restored().description(), present.description(), wanted).parts();
        return new LostParts(
                table.restored(),
                present,
                isAnother(transaction, table.restored()),
                wanted,
                parts.stream()
                        .filter(part -> part.dependent().filter(otherwise).isEmpty())
                        .toList());
    }

    private static boolean isAnother(RecoveryTransaction transaction, RestoredTable restored) throws SQLException {
        if (restored.manifest().identity().isEmpty()) {
            return false;
        }
        TableIdentity stored = restored.manifest().identity().get();
        List<String> oids = transaction.strings(
                OID, restored.manifest().schema(), restored.manifest().table(), Long.toString(stored.databaseOid()));
        return !oids.isEmpty() && !oids.contains(Long.toString(stored.tableOid()));
    }

    /** All that was lost is written in the end, in parts: what others need first. */
    void write(SqlScript script, List<Part> chosen) {
        if (chosen.isEmpty()) {
            return;
        }
        script.part(
                madeAgain
                        ? present.name() + " was made again since, without what follows: now it gets that"
                        : wanted
                                ? present.name() + " has not what follows any more, and gets it again"
                                : present.name() + " has not what follows any more. If that is missed, uncomment it:");
        for (Part part : chosen) {
            if (comesBack(part)) {
                script.attempt(part.words(), part.sql());
            } else {
                script.note(part.words());
                part.obstacle().ifPresent(script::note);
                part.sql().forEach(script::commentOut);
            }
        }
    }

    List<Part> parts(Stage stage) {
        return parts.stream().filter(part -> part.stage() == stage).toList();
    }

    /** Whether it is a foreign key of the table's own that the script gives it again. */
    boolean bringsBack(Dependent dependent) {
        return dependent.kind() == DependentKind.FOREIGN_KEY
                && dependent
                        .place()
                        .filter(place -> place.isOn(restored.original()) && bringsBackKey(place.name()))
                        .isPresent();
    }

    private boolean bringsBackKey(String name) {
        return parts(Stage.FOREIGN_KEY).stream()
                .anyMatch(part -> comesBack(part) && part.words().equals(wordsOfConstraint(name)));
    }

    private static String wordsOfConstraint(String name) {
        return "constraint " + name;
    }

    /** What hung on the table, in an order in which it can be made again. */
    List<Dependent> dependents() {
        return parts.stream().flatMap(part -> part.dependent().stream()).toList();
    }

    Optional<Part> part(Dependent dependent) {
        return parts.stream()
                .filter(part -> part.dependent().filter(dependent::equals).isPresent())
                .findFirst();
    }

    /** Whether the present table has all that the stored one had, once the script has run. */
    boolean areBack() {
        return parts.stream().allMatch(this::comesBack);
    }

    private boolean comesBack(Part part) {
        return (madeAgain || wanted) && part.obstacle().isEmpty();
    }

    Optional<String> warning() {
        if (parts.isEmpty()) {
            return Optional.empty();
        }
        String words = parts.stream().map(Part::words).collect(Collectors.joining(", "));
        return Optional.of(
                areBack()
                        ? "table " + present.name() + (madeAgain ? " was made again since, without " : " lacks ")
                                + words + ": the script gives it these"
                        : "table " + present.name() + " has not all that the snapshot has: " + words
                                + "; the script offers what it does not bring back, and " + restored.target()
                                + " has the most of it: keep that");
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
     * Something that the present table has not.
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

    /** Compares two descriptions; what both have under one name is taken for the same. Used once. */
    private static final class Comparison {
        /** Whether it belongs to a parent is told by {@link DetachedChildren}. */
        private static final Set<DependentKind> ATTACHING = EnumSet.of(
                DependentKind.PARTITION_OF,
                DependentKind.INHERITS,
                DependentKind.INHERITED_PARTS,
                DependentKind.ATTACHED_INDEX);

        /** From this version on NOT NULL is a constraint with a name. */
        private static final int NAMES_NOT_NULL = 18;

        private final TableDescription stored;
        private final TableDescription present;
        private final MissingRequirements needs;
        private final boolean namesNotNull;
        private final boolean wanted;
        private final TableSql sql;
        private final String alter;
        private final String alterAlone;
        private final List<Part> parts = new ArrayList<>();

        Comparison(RecoveryTransaction transaction, TableDescription stored, TableDescription present, boolean wanted)
                throws SQLException {
            this.wanted = wanted;
            this.stored = stored;
            this.present = present;
            this.needs = new MissingRequirements(transaction);
            this.namesNotNull = transaction.connection().getMetaData().getDatabaseMajorVersion() >= NAMES_NOT_NULL;
            this.sql = new TableSql(stored, PartNames.original(stored));
            String name = RelationName.of(stored.schema(), stored.name()).quoted();
            this.alter = "ALTER TABLE " + name + " ";
            this.alterAlone = "ALTER TABLE ONLY " + name + " ";
        }

        List<Part> parts() throws SQLException {
            stored.columns().forEach(this::column);
            stored.sequences().stream()
                    .filter(s -> present.sequences().stream()
                            .noneMatch(other -> other.column().equals(s.column())))
                    .forEach(s -> lost("sequence " + s.name() + " of column " + s.column(), sequence(s)));
            constraints(false);
            for (Index index : stored.indexes()) {
                if (present.indexes().stream()
                        .noneMatch(other -> other.name().equals(index.name())
                                || (isRenamed(other)
                                        && other.body().equals(index.body())
                                        && other.unique() == index.unique()))) {
                    lost(
                            "index " + index.name(),
                            withComment(
                                    sql.index(index),
                                    "INDEX "
                                            + RelationName.of(stored.schema(), index.name())
                                                    .quoted(),
                                    index.settings().comment()));
                }
            }
            constraints(true);
            unset(stored.options(), present.options())
                    .forEach(option -> lost("setting " + option, List.of(alter + "SET (" + option + ")")));
            if (!stored.owner().equals(present.owner())) {
                lost("owner " + stored.owner(), List.of(alter + "OWNER TO " + RelationName.quote(stored.owner())));
            }
            if (!stored.comment().equals(present.comment()) && stored.comment().isPresent()) {
                lost(
                        "its comment",
                        List.of("COMMENT ON " + stored.sqlKind() + " "
                                + RelationName.of(stored.schema(), stored.name())
                                        .quoted() + " IS "
                                + SqlSpelling.literal(stored.comment().get())));
            }
            for (Dependent dependent : stored.dependents()) {
                if (!ATTACHING.contains(dependent.kind())) {
                    dependent(dependent);
                }
            }
            return List.copyOf(parts);
        }

        /** One that had the same name before is another one, though it may be made alike. */
        private boolean isRenamed(Index index) {
            return stored.indexes().stream().noneMatch(before -> before.name().equals(index.name()));
        }

        private boolean isRenamed(Constraint constraint) {
            return stored.constraints().stream()
                    .noneMatch(before -> before.name().equals(constraint.name()));
        }

        private void dependent(Dependent dependent) throws SQLException {
            List<Dependent> same = present.dependents().stream()
                    .filter(other -> other.kind() == dependent.kind()
                            && (other.identity().equals(dependent.identity())
                                    || other.sql().equals(dependent.sql())))
                    .toList();
            if (same.isEmpty()) {
                parts.add(Part.of(dependent, needs.missing(dependent)));
            } else if (wanted && same.stream().noneMatch(other -> other.sql().equals(dependent.sql()))) {
                parts.add(Part.of(dependent, Optional.of(staysAsItIs(dependent.kind() + " " + dependent.identity()))));
            }
        }

        /** Which of the two is right, nobody can tell: what is there stays. */
        private static String staysAsItIs(String words) {
            return words + " is another by now, and stays as it is";
        }

        private void differs(String words, List<String> statements) {
            parts.add(new Part(words, statements, Optional.of(staysAsItIs(words)), Stage.TABLE, Optional.empty()));
        }

        private void lost(String words, List<String> statements) {
            lost(words, statements, Stage.TABLE);
        }

        private void lost(String words, List<String> statements, Stage stage) {
            parts.add(new Part(words, statements, Optional.empty(), stage, Optional.empty()));
        }

        private void column(Column column) {
            Column other = present.columns().stream()
                    .filter(c -> c.name().equals(column.name()))
                    .findFirst()
                    .orElse(column);
            String change = alter + "ALTER COLUMN " + RelationName.quote(column.name()) + " ";
            // Partitions and children may have others, or none; what they have lost is their own.
            String alone = alterAlone + "ALTER COLUMN " + RelationName.quote(column.name()) + " ";
            if (column.notNull() && !other.notNull()) {
                lost(
                        "NOT NULL of column " + column.name(),
                        List.of(notNull(column).orElse(change + "SET NOT NULL")));
            }
            if (column.generated() == Generated.NO
                    && column.defaultExpression().isPresent()
                    && other.defaultExpression().isEmpty()) {
                lost(
                        "default of column " + column.name(),
                        List.of(alone + "SET DEFAULT "
                                + column.defaultExpression().get()));
            }
            if (wanted
                    && column.generated() == Generated.NO
                    && column.defaultExpression().isPresent()
                    && other.defaultExpression().isPresent()
                    && !column.defaultExpression().equals(other.defaultExpression())) {
                differs(
                        "default of column " + column.name(),
                        List.of(alone + "SET DEFAULT "
                                + column.defaultExpression().get()));
            }
            settings(column, other.settings(), alone);
            if (column.comment().isPresent() && other.comment().isEmpty()) {
                lost(
                        "comment of column " + column.name(),
                        List.of("COMMENT ON COLUMN "
                                + RelationName.of(stored.schema(), stored.name())
                                        .quoted() + "."
                                + RelationName.quote(column.name()) + " IS "
                                + SqlSpelling.literal(column.comment().get())));
            }
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
        }

        private static List<String> unset(List<String> options, List<String> present) {
            return options.stream()
                    .filter(option ->
                            present.stream().noneMatch(other -> key(other).equals(key(option))))
                    .toList();
        }

        private static String key(String option) {
            return option.substring(0, option.indexOf('=') + 1);
        }

        private Optional<String> notNull(Column column) {
            return stored.constraints().stream()
                    .filter(c -> namesNotNull
                            && c.kind() == ConstraintKind.NOT_NULL
                            && c.columns().equals(List.of(column.name())))
                    .map(c -> sql.addConstraint(c, c.definition()))
                    .findFirst();
        }

        /** It goes on after the highest number that was given or is there. */
        private List<String> sequence(Sequence s) {
            String name = RelationName.of(s.schema(), s.name()).quoted();
            String column = RelationName.quote(s.column());
            String table = RelationName.of(stored.schema(), stored.name()).quoted();
            List<String> statements = new ArrayList<>();
            if (s.identity()) {
                String kind = stored.columns().stream()
                                .anyMatch(
                                        c -> c.name().equals(s.column()) && c.generated() == Generated.IDENTITY_ALWAYS)
                        ? "ALWAYS"
                        : "BY DEFAULT";
                statements.add(alter + "ALTER COLUMN " + column + " ADD GENERATED " + kind
                        + " AS IDENTITY (SEQUENCE NAME " + name + " " + s.parameters() + ")");
            } else {
                statements.add("CREATE SEQUENCE " + name + " AS " + s.type() + " " + s.parameters());
                statements.add("ALTER SEQUENCE " + name + " OWNER TO " + RelationName.quote(present.owner()));
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
            for (Constraint constraint : stored.constraints()) {
                boolean wanted =
                        (constraint.kind() == ConstraintKind.FOREIGN_KEY) == foreign && !TableSql.isInline(constraint);
                if (wanted
                        && present.constraints().stream()
                                .noneMatch(other -> other.name().equals(constraint.name())
                                        || (isRenamed(other)
                                                && other.kind() == constraint.kind()
                                                && other.definition().equals(constraint.definition())))) {
                    lost(
                            wordsOfConstraint(constraint.name()),
                            withComment(
                                    sql.constraint(constraint).sql(),
                                    "CONSTRAINT " + RelationName.quote(constraint.name()) + " ON "
                                            + RelationName.of(stored.schema(), stored.name())
                                                    .quoted(),
                                    constraint.comment()),
                            foreign ? Stage.FOREIGN_KEY : Stage.TABLE);
                }
            }
        }
    }
}
