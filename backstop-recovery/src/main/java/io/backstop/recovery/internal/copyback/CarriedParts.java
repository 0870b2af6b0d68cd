package io.backstop.recovery.internal.copyback;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.internal.copyback.PartComparison.Part;
import io.backstop.recovery.internal.copyback.PartComparison.Stage;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.schema.DependentKind;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Column;
import io.backstop.snapshot.schema.TableDescription.ColumnSettings;
import io.backstop.snapshot.schema.TableDescription.Dependent;
import io.backstop.snapshot.schema.TableDescription.Generated;
import io.backstop.snapshot.schema.TableDescription.Sequence;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a present table has and the restored one that takes its place has not: columns, indexes, constraints, policies,
 * grants and all else that is its own. It is carried over, each part where that works; where both have something under one
 * name, the restored table's counts, and the other is named. Immutable.
 *
 * @param columns the columns that only the present table has
 * @param numbering the sequences that give these columns their values
 * @param parents its places in other tables that the restored one never had
 * @param parts everything else
 * @param differences what the two tables are otherwise made of: one sentence each
 */
record CarriedParts(
        RestoredTable restored,
        List<Column> columns,
        List<Sequence> numbering,
        List<Dependent> parents,
        List<Part> parts,
        List<String> differences) {
    static CarriedParts of(RecoveryTransaction transaction, RestoredTable restored, TableDescription present)
            throws SQLException {
        TableDescription stored = restored.description();
        List<Column> columns = present.columns().stream()
                .filter(column -> MergedColumn.find(stored, column.name()).isEmpty())
                .toList();
        TableDescription completed = stored.with(
                Stream.concat(stored.columns().stream(), columns.stream().map(CarriedParts::bare))
                        .toList(),
                stored.omissions());
        List<Part> parts = new PartComparison(
                        transaction,
                        comparable(present, stored),
                        completed,
                        Optional.of(words -> words + " is another in the restored table, and stays as it is there"))
                .parts();
        return new CarriedParts(
                restored,
                columns,
                present.sequences().stream()
                        .filter(s -> s.increment() > 0 && (s.identity() || s.feeding()))
                        .filter(s -> columns.stream().anyMatch(c -> c.name().equals(s.column())))
                        .toList(),
                present.dependents().stream()
                        .filter(d -> (d.kind() == DependentKind.PARTITION_OF || d.kind() == DependentKind.INHERITS)
                                && stored.dependents().stream()
                                        .noneMatch(other -> other.kind() == d.kind()
                                                && other.identity().equals(d.identity())))
                        .toList(),
                parts.stream()
                        .filter(part -> !isOfParents(part) && !part.words().equals(PartComparison.LOGGING))
                        .map(CarriedParts::granted)
                        .filter(part -> part.obstacle().isPresent()
                                || part.dependent().filter(d -> !d.own()).isEmpty())
                        .toList(),
                differences(stored, present));
    }

    private static boolean isOfParents(Part part) {
        return part.dependent().filter(d -> d.kind() == DependentKind.INHERITS).isPresent();
    }

    /** What a role may do by the one table and by the other adds up. */
    private static Part granted(Part part) {
        boolean adds = part.dependent()
                        .filter(d -> d.own() && d.kind() == DependentKind.GRANT)
                        .isPresent()
                && part.sql().stream().allMatch(sql -> sql.startsWith("GRANT "));
        return adds ? new Part(part.words(), part.sql(), Optional.empty(), part.stage(), part.dependent()) : part;
    }

    /** As ADD COLUMN makes it; what it has besides is compared, and comes when the rows are there. */
    private static Column bare(Column column) {
        return new Column(
                column.name(),
                column.type(),
                column.collation(),
                false,
                column.defaultExpression(),
                MergedColumn.isComputed(column) ? column.generated() : Generated.NO,
                ColumnSettings.DEFAULT,
                Optional.empty());
    }

    /** Owner and comment are one of each, and a column has one source of its values: those of the stored table count. */
    private static TableDescription comparable(TableDescription present, TableDescription stored) {
        return new TableDescription(
                present.schema(),
                present.name(),
                stored.owner(),
                present.unlogged(),
                present.options(),
                stored.comment().or(present::comment),
                present.columns(),
                present.sequences().stream().filter(s -> isFree(s, stored)).toList(),
                present.constraints(),
                present.indexes(),
                present.dependents(),
                present.partitionKey(),
                present.tablespace(),
                present.accessMethod(),
                present.prerequisites(),
                present.omissions(),
                present.foreign(),
                present.partitions());
    }

    private static boolean isFree(Sequence sequence, TableDescription stored) {
        return MergedColumn.find(stored, sequence.column())
                .filter(column -> column.generated() != Generated.NO
                        || column.defaultExpression().isPresent())
                .isEmpty();
    }

    /** Sequences for which the restored table has no use, so that they keep their names: others may draw from them. */
    static List<String> unused(TableDescription stored, TableDescription present) {
        return present.sequences().stream()
                .filter(s -> !isFree(s, stored))
                .filter(s -> stored.sequences().stream()
                        .noneMatch(other -> other.column().equals(s.column())
                                || other.name().equals(s.name())))
                .map(Sequence::name)
                .toList();
    }

    private static List<String> differences(TableDescription stored, TableDescription present) {
        List<String> words = new ArrayList<>();
        if (!stored.owner().equals(present.owner())) {
            words.add("it belongs to " + present.owner() + " now and gets its owner " + stored.owner() + " back");
        }
        differs(words, "its comment", stored.comment(), present.comment());
        differs(words, "its partition key", stored.partitionKey(), present.partitionKey());
        differs(words, "its tablespace", stored.tablespace(), present.tablespace());
        differs(words, "its access method", stored.accessMethod(), present.accessMethod());
        if (stored.unlogged() != present.unlogged()) {
            words.add(present.unlogged() ? "it is UNLOGGED now and was not" : "it was UNLOGGED and is not now");
        }
        return words;
    }

    private static void differs(List<String> words, String what, Optional<String> stored, Optional<String> present) {
        if (present.isPresent() && !present.equals(stored) && (stored.isPresent() || !what.equals("its comment"))) {
            words.add(what + " is another now, and becomes what it was");
        }
    }

    /** Before tables are attached to each other, which all need the same columns for that. */
    void addColumns(SqlScript script, RelationName table) {
        for (Column column : columns) {
            script.run("ALTER TABLE " + table.quoted() + " ADD COLUMN " + RelationName.quote(column.name()) + " "
                    + column.type()
                    + column.collation().map(name -> " COLLATE " + name).orElse("")
                    + switch (column.generated()) {
                        case STORED, VIRTUAL ->
                            " GENERATED ALWAYS AS ("
                                    + column.defaultExpression().orElseThrow() + ") " + column.generated();
                        case NO, IDENTITY_ALWAYS, IDENTITY_BY_DEFAULT ->
                            column.defaultExpression().map(e -> " DEFAULT " + e).orElse("");
                    });
        }
    }

    /** Stored rows have no number in a column that came later, and get the next ones. */
    void number(SqlScript script) {
        for (Sequence sequence : numbering) {
            String table = restored.original().quoted();
            String column = RelationName.quote(sequence.column());
            script.note("stored rows get numbers in column " + sequence.column() + ", which came later");
            script.run("UPDATE " + table + " AS stored SET " + column
                    + " = given.number\nFROM (SELECT t.tableoid AS part,"
                    + " t.ctid AS place, greatest(" + sequence.lastValue() + ", (SELECT max(m." + column + ") FROM "
                    + table + " AS m)) + row_number() OVER (ORDER BY t.tableoid, t.ctid) AS number FROM " + table
                    + " AS t WHERE t." + column
                    + " IS NULL) AS given\nWHERE stored.tableoid = given.part AND stored.ctid"
                    + " = given.place");
        }
    }

    /** What the script took it off, it has to be put back to, when the rows are there. */
    void attach(SqlScript script) {
        for (Dependent parent : parents) {
            script.note(parent.kind() + " " + parent.identity());
            parent.sql().forEach(script::run);
        }
    }

    void write(SqlScript script, Stage stage) {
        List<Part> chosen = parts.stream().filter(part -> part.stage() == stage).toList();
        if (!chosen.isEmpty()) {
            script.part("what " + restored.original() + " has had since and the stored table had not");
        }
        for (Part part : chosen) {
            if (part.obstacle().isEmpty()) {
                script.attempt(part.words(), part.sql());
            } else {
                script.note(part.obstacle().get());
                part.sql().forEach(script::commentOut);
            }
        }
    }

    boolean holdsConstraint(String name) {
        return parts.stream()
                .anyMatch(part ->
                        part.obstacle().isEmpty() && part.words().equals(PartComparison.wordsOfConstraint(name)));
    }

    /** Whether the restored table gets all of it, as far as is known beforehand. */
    boolean isComplete() {
        return differences.isEmpty()
                && parts.stream().allMatch(part -> part.obstacle().isEmpty());
    }

    /** One sentence each. */
    List<String> warnings() {
        List<String> warnings = new ArrayList<>();
        String carried = Stream.of(
                        columns.stream().map(column -> "column " + column.name()),
                        parents.stream().map(parent -> parent.kind() + " " + parent.identity()),
                        parts.stream().filter(part -> part.obstacle().isEmpty()).map(Part::words))
                .flatMap(words -> words)
                .collect(Collectors.joining(", "));
        if (!carried.isEmpty()) {
            warnings.add("table " + restored.original() + " has had since what the stored one had not, and keeps it: "
                    + carried);
        }
        Stream.concat(differences.stream(), parts.stream().flatMap(part -> part.obstacle().stream()))
                .map(difference -> "table " + restored.original() + ": " + difference)
                .forEach(warnings::add);
        return warnings;
    }
}
