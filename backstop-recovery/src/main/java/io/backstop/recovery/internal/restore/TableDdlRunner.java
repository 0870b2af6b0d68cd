package io.backstop.recovery.internal.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.internal.restore.TableDdl.Ddl;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.sql.ServerErrors;
import io.backstop.recovery.model.RecoveryException;

import java.sql.SQLException;
import java.util.List;

/** Runs what makes a table, and says which part of it the server refuses. Stateless. */
final class TableDdlRunner {
    private TableDdlRunner() {}

    /** @param target the table in messages, by the name that it is to have */
    static void run(RecoveryTransaction transaction, List<Ddl> statements, RelationName target)
            throws RecoveryException {
        for (Ddl statement : statements) {
            try {
                transaction.execute(statement.sql());
            } catch (SQLException e) {
                throw ServerErrors.of(statement.subject() + " could not be created for " + target, e);
            }
        }
    }
}
