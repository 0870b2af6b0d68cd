package io.backstop.recovery.internal.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.internal.restore.TableDdl.Ddl;
import io.backstop.recovery.model.RestoredNames;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.ConstraintKind;
import io.backstop.snapshot.schema.TableDescription.IndexSettings;
import io.backstop.snapshot.schema.TableSql;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What {@link TableDdl#afterRows} does at once, in parts: what each row is better looked at for when it is loaded, indexes
 * that can be built at the same time, and what remains. Immutable, thread-safe.
 */
final class StagedDdl {
    private static final String PRIMARY_KEY = "PRIMARY KEY ";
    private static final String UNIQUE = "UNIQUE ";
    private static final String NULLS_ALIKE = "UNIQUE NULLS NOT DISTINCT ";

    private final TableDescription table;
    private final RestoredNames names;
    private final TableDdl ddl;

    StagedDdl(TableDescription table, RestoredNames names) {
        this.table = table;
        this.names = names;
        this.ddl = new TableDdl(table, names);
    }

    /** Checks that hold for every row. */
    List<Ddl> checks() {
        return table.constraints().stream()
                .filter(StagedDdl::isCheckOfRows)
                .map(ddl::constraint)
                .toList();
    }

    /** Indexes, those of keys under the keys' names, in the order in which they are best begun. */
    List<Ddl> indexes() {
        Stream<Ddl> keys = table.constraints().stream()
                .flatMap(key -> keyIndex(key).stream()
                        .map(body -> new Ddl(
                                "index of constraint " + key.name(),
                                "CREATE UNIQUE INDEX " + RelationName.quote(names.constraint(key.name())) + " ON "
                                        + names.target().quoted() + " USING " + body)));
        return Stream.concat(keys, ddl.indexes().stream())
                .sorted(Comparator.comparingInt(this::work).reversed())
                .toList();
    }

    /** The constraints that remain, foreign keys left out; keys are given their indexes. */
    List<Ddl> constraints() {
        List<Ddl> statements = new ArrayList<>();
        table.constraints().stream()
                .filter(c -> c.kind() != ConstraintKind.FOREIGN_KEY && !isCheckOfRows(c) && !TableSql.isInline(c))
                .sorted(Comparator.comparing(Constraint::kind))
                .forEach(c -> statements.add(keyIndex(c).isPresent() ? usingIndex(c) : ddl.constraint(c)));
        statements.addAll(ddl.sequenceValues());
        return statements;
    }

    /** The indexes that {@link #constraints} gives to keys, by the keys' original names. */
    List<String> keysWithIndexes() {
        return table.constraints().stream()
                .filter(c -> keyIndex(c).isPresent())
                .map(Constraint::name)
                .toList();
    }

    private Ddl usingIndex(Constraint key) {
        String kind = key.kind() == ConstraintKind.PRIMARY_KEY ? PRIMARY_KEY : UNIQUE;
        String index = RelationName.quote(names.constraint(key.name()));
        return new Ddl("constraint " + key.name(), ddl.addConstraint(key, kind + "USING INDEX " + index));
    }

    private static boolean isCheckOfRows(Constraint constraint) {
        return constraint.kind() == ConstraintKind.CHECK && constraint.validated();
    }

    /**
     * What follows USING in the statement that makes a key's index, where the index can come first. Exclusion constraints
     * cannot take one over, and those that can be deferred, or are without overlaps, or whose index has settings, have other
     * indexes than a plain statement of its own makes: these are made the plain way.
     */
    static Optional<String> keyIndex(Constraint key) {
        String definition = key.definition();
        if (!definition.endsWith(")")
                || definition.contains(" WITHOUT OVERLAPS)")
                || key.index().filter(StagedDdl::isMoreThanPlain).isPresent()) {
            return Optional.empty();
        }
        return switch (key.kind()) {
            case PRIMARY_KEY -> after(PRIMARY_KEY, definition);
            case UNIQUE ->
                definition.startsWith(NULLS_ALIKE)
                        ? after(NULLS_ALIKE, definition).map(body -> body + " NULLS NOT DISTINCT")
                        : after(UNIQUE, definition);
            case NOT_NULL, CHECK, EXCLUSION, FOREIGN_KEY -> Optional.empty();
        };
    }

    private static boolean isMoreThanPlain(IndexSettings index) {
        return !index.options().isEmpty()
                || index.tablespace().isPresent()
                || !index.statistics().isEmpty();
    }

    private static Optional<String> after(String start, String definition) {
        return definition.startsWith(start + "(")
                ? Optional.of("btree " + definition.substring(start.length()))
                : Optional.empty();
    }

    /** A guess at the work that an index is beside the others: it only decides which is begun first. */
    private int work(Ddl index) {
        String body = index.sql().substring(index.sql().indexOf(" USING ") + 7);
        int work = body.startsWith("btree ") ? 0 : 100;
        for (TableDescription.Column column : table.columns()) {
            if (body.contains(column.name())) {
                work += column.type().startsWith("text") || column.type().startsWith("char") ? 10 : 2;
            }
        }
        return body.contains(" WHERE ") ? work / 4 : work;
    }
}
