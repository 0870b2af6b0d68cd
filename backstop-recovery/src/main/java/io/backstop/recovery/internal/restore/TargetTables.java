package io.backstop.recovery.internal.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.internal.sql.NamesInUse;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.validate.RestoredMark;
import io.backstop.recovery.model.ExistingTarget;
import io.backstop.recovery.model.RecoveryException;

import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** Tables that have the names of those that are to be restored. Stateless. */
public final class TargetTables {
    private static final String KIND_AND_COMMENT =
            "SELECT CASE c.relkind WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, "
                    + "coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_class c "
                    + "JOIN pg_namespace n ON n.oid = c.relnamespace "
                    + "WHERE n.nspname = ? AND c.relname = ? AND c.relkind IN ('r', 'p', 'f')";

    private TargetTables() {}

    /** Whether anything has the name: a table, an index, a type. */
    public static boolean isTaken(RecoveryTransaction transaction, RelationName target) throws SQLException {
        return NamesInUse.of(transaction, target.schema().orElseThrow()).contains(target.name());
    }

    /** The snapshot from which Backstop made the table under this name. */
    public static Optional<String> madeFrom(RecoveryTransaction transaction, RelationName target) throws SQLException {
        return RestoredMark.in(kindAndComment(transaction, target).map(found -> found.get(1)))
                .filter(mark -> mark.target().equals(target.toString()))
                .map(RestoredMark::snapshotId);
    }

    private static Optional<List<String>> kindAndComment(RecoveryTransaction transaction, RelationName table)
            throws SQLException {
        return transaction.rows(KIND_AND_COMMENT, table.schema().orElseThrow(), table.name()).stream()
                .findFirst();
    }

    /**
     * Drops them within the transaction that makes them anew, once they are locked and still are what they were found to be.
     *
     * @throws RecoveryException where another table has the name meanwhile
     * @throws SQLException where something depends on one
     */
    public static void drop(RecoveryTransaction transaction, Collection<ExistingTarget> tables)
            throws SQLException, RecoveryException {
        for (ExistingTarget table : tables) {
            Optional<List<String>> found = kindAndComment(transaction, table.target());
            if (found.isEmpty()) {
                continue; // it is gone
            }
            transaction.execute("LOCK TABLE ONLY " + table.target().quoted() + " IN ACCESS EXCLUSIVE MODE");
            if (!madeFrom(transaction, table.target()).equals(table.madeFrom())) {
                throw new RecoveryException(
                        "table " + table.target() + " was replaced by another one meanwhile",
                        "restore under another name");
            }
            transaction.execute(
                    "DROP " + found.get().get(0) + " " + table.target().quoted());
        }
    }
}
