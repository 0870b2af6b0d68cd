package io.backstop.recovery.internal.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.model.RecoveryException;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Staging tables of restores that were killed. Stateless. */
public final class AbandonedStagingTables {
    private static final String CANDIDATES = "SELECT c.relname, obj_description(c.oid, 'pg_class') FROM pg_class c "
            + "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ? AND c.relkind = 'r' "
            + "AND c.relname LIKE 'backstop\\_restore\\_%' AND obj_description(c.oid, 'pg_class') IS NOT NULL "
            + "AND pg_has_role(c.relowner, 'USAGE') ORDER BY c.oid";

    private AbandonedStagingTables() {}

    /**
     * Removes those of the schema on which no session works any more: whoever works on one shares its lock. What cannot
     * be removed is left to the next restore; another role's are left to that role's.
     *
     * @param connection in auto-commit
     */
    public static void remove(Connection connection, String schema) throws SQLException, RecoveryException {
        for (StagingName found : in(connection, schema)) {
            RestoreLock lock = new RestoreLock(found.restore());
            if (lock.tryAlone(connection)) {
                try {
                    drop(connection, List.of(found.in(schema)));
                } catch (SQLException e) {
                    // Something hangs on it or somebody looks at it; this restore can do without its space.
                } finally {
                    lock.releaseAlone(connection);
                }
            }
        }
    }

    private static List<StagingName> in(Connection connection, String schema) throws SQLException, RecoveryException {
        try (RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
            List<StagingName> found = new ArrayList<>();
            for (List<String> table : transaction.rows(CANDIDATES, schema)) {
                Optional<StagingName> name = StagingName.parse(table.get(0), table.get(1));
                name.ifPresent(found::add);
            }
            return found;
        }
    }

    /** Drops the tables that are there, without what others made of them; one that was published has another name. */
    static void drop(Connection connection, List<RelationName> tables) throws SQLException, RecoveryException {
        try (RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
            for (RelationName table : tables) {
                transaction.execute("DROP TABLE IF EXISTS " + table.quoted());
            }
            transaction.commit();
        }
    }
}
