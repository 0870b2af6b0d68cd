package io.backstop.recovery.internal.copyback;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.model.RestoredNames;
import io.backstop.snapshot.schema.DependentKind;
import io.backstop.snapshot.schema.PartNames;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.Dependent;
import io.backstop.snapshot.schema.TableSql;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Unique and exclusion constraints and unique indexes that are off while stored values are put back: PostgreSQL checks them
 * row by row, so that values which had moved from row to row would meet on their way back. Immutable.
 *
 * @param off the statements that drop them
 * @param on the statements that make them again as they were, which fail where values are there twice
 */
record SuspendedUniqueConstraints(List<String> off, List<String> on) {
    static final SuspendedUniqueConstraints NONE = new SuspendedUniqueConstraints(List.of(), List.of());

    /**
     * Those on the columns that are checked at once. Not what something else rests on, like another table's foreign key, and not
     * what a partition has from its parent: neither can be dropped by itself.
     */
    private static final String ON_COLUMNS = "SELECT x.relname FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid "
            + "LEFT JOIN pg_constraint k ON k.conindid = x.oid AND k.conrelid = i.indrelid AND k.contype IN ('u', 'x') "
            + "WHERE i.indrelid = to_regclass(?) AND (i.indisunique OR i.indisexclusion) AND NOT i.indisprimary "
            + "AND i.indimmediate AND i.indisvalid "
            + "AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = x.oid) "
            + "AND EXISTS (SELECT FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid "
            + "WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND a.attname IN (:columns) "
            + "AND (d.classid = 'pg_class'::regclass AND d.objid = x.oid "
            + "OR d.classid = 'pg_constraint'::regclass AND d.objid = k.oid)) "
            + "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.deptype = 'n' "
            + "AND (d.refclassid = 'pg_class'::regclass AND d.refobjid = x.oid "
            + "OR d.refclassid = 'pg_constraint'::regclass AND d.refobjid = k.oid))";

    /** What is said of an index by its name and lost with it. */
    private static final Set<DependentKind> OF_INDEXES =
            EnumSet.of(DependentKind.REPLICA_IDENTITY, DependentKind.CLUSTER);

    SuspendedUniqueConstraints {
        off = List.copyOf(off);
        on = List.copyOf(on);
    }

    /** @param columns the columns in which rows differ */
    static SuspendedUniqueConstraints of(RecoveryTransaction transaction, PresentTable present, List<String> columns)
            throws SQLException {
        if (columns.isEmpty()) {
            return NONE;
        }
        String list = columns.stream().map(SqlSpelling::literal).collect(Collectors.joining(", "));
        List<String> names = transaction.strings(
                ON_COLUMNS.replace(":columns", list), present.name().quoted());
        return names.isEmpty() ? NONE : of(present, Set.copyOf(names));
    }

    private static SuspendedUniqueConstraints of(PresentTable present, Set<String> names) {
        TableDescription table = present.description();
        TableSql sql = new TableSql(table, PartNames.original(table));
        List<String> off = new ArrayList<>();
        List<String> on = new ArrayList<>();
        for (Constraint constraint : table.constraints()) {
            if (RestoredNames.isIndex(constraint.kind()) && names.contains(constraint.name())) {
                off.add("ALTER TABLE " + present.name().quoted() + " DROP CONSTRAINT "
                        + RelationName.quote(constraint.name()));
                on.add(sql.constraint(constraint).sql());
            }
        }
        table.indexes().stream().filter(index -> names.contains(index.name())).forEach(index -> {
            off.add("DROP INDEX " + qualified(present, index.name()));
            on.add(sql.index(index));
        });
        sql.commentsOfConstraintsAndIndexes(names::contains).stream()
                .map(TableSql.Piece::sql)
                .forEach(on::add);
        table.dependents().stream()
                .filter(dependent -> OF_INDEXES.contains(dependent.kind()))
                .map(Dependent::sql)
                .forEach(on::addAll);
        return new SuspendedUniqueConstraints(off, on);
    }

    private static String qualified(PresentTable present, String index) {
        return RelationName.of(present.name().schema().orElseThrow(), index).quoted();
    }
}
