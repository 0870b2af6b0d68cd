package io.backstop.recovery.internal.restore;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * The advisory lock that the sessions of one restore share as long as they live: whoever gets it alone knows that none of
 * them works any more (PostgreSQL documentation, 13.3.5). None of this waits. Immutable.
 *
 * @param key the restore
 */
record RestoreLock(long key) {
    void share(Connection connection) throws SQLException {
        if (!is(connection, "pg_catalog.pg_try_advisory_lock_shared(" + key + ")")) {
            throw new SQLException("the advisory lock " + key + " is taken", "55P03");
        }
    }

    void release(Connection connection) throws SQLException {
        is(connection, "pg_catalog.pg_advisory_unlock_shared(" + key + ")");
    }

    boolean tryAlone(Connection connection) throws SQLException {
        return is(connection, "pg_catalog.pg_try_advisory_lock(" + key + ")");
    }

    void releaseAlone(Connection connection) throws SQLException {
        is(connection, "pg_catalog.pg_advisory_unlock(" + key + ")");
    }

    /** Whether a session sees that the one of the given process shares it: both are then in one database of one server. */
    boolean isSharedBy(String process, Connection seenBy) throws SQLException {
        return is(
                seenBy,
                "EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
                        + "AND pid = " + process + " AND classid = " + (key >>> 32) + " AND objid = "
                        + (key & 0xffff_ffffL) + " AND database = (SELECT oid FROM pg_catalog.pg_database "
                        + "WHERE datname = pg_catalog.current_database()))");
    }

    private static boolean is(Connection connection, String expression) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery("SELECT " + expression)) {
            result.next();
            return result.getBoolean(1);
        }
    }
}
