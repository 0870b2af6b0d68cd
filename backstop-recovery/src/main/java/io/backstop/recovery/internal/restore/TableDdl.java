package io.backstop.recovery.internal.restore;

import io.backstop.recovery.model.RestoredNames;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableSql;

import java.util.List;

/**
 * The statements that build a described table under another name, first what holds the rows, then what is faster or only
 * possible once they are there. Immutable, thread-safe.
 */
final class TableDdl {
    private final TableSql sql;

    TableDdl(TableDescription table, RestoredNames names) {
        this.sql = new TableSql(table, names);
    }

    /** Sequences and the table, ready for COPY. */
    List<Ddl> beforeRows() {
        return ddl(sql.beforeRows());
    }

    /** Keys, checks, exclusions, indexes and sequence values; foreign keys are {@link #foreignKeys}. */
    List<Ddl> afterRows() {
        return ddl(sql.afterRows());
    }

    /** The indexes that belong to no constraint. */
    List<Ddl> indexes() {
        return ddl(sql.indexes());
    }

    /** Where the owned sequences go on. */
    List<Ddl> sequenceValues() {
        return ddl(sql.sequenceValues());
    }

    /** A constraint, with the settings of its index where it has one. */
    Ddl constraint(Constraint constraint) {
        return ddl(List.of(sql.constraint(constraint))).get(0);
    }

    /** The foreign keys to other tables and to the table itself. */
    List<Constraint> foreignKeys() {
        return sql.foreignKeys();
    }

    /** {@code ALTER TABLE … ADD CONSTRAINT} with a definition of this constraint or one derived from it. */
    String addConstraint(Constraint constraint, String definition) {
        return sql.addConstraint(constraint, definition);
    }

    /** Comments of the table and of every part that is there. */
    List<Ddl> comments(List<Constraint> leftOut) {
        return ddl(sql.comments(leftOut));
    }

    private static List<Ddl> ddl(List<TableSql.Piece> pieces) {
        return pieces.stream()
                .map(piece -> new Ddl(piece.subject(), piece.sql()))
                .toList();
    }

    /** What makes one part, and the part's name for messages. */
    record Ddl(String subject, String sql) {}
}
