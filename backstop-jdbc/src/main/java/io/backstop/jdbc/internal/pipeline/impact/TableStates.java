package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.internal.postgres.TrackCounts;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Map;

/**
 * What a session has done to the user's tables at one moment of its transaction, in one query: rows by the server's
 * statistics of the transaction, and the file of each table. Every name in the query is qualified, because an operator may
 * mean anything on the session's search path. Immutable.
 *
 * @param changedRows how many rows were updated or deleted, by the table's oid
 * @param tables the tables that there are, but for temporary ones, by oid
 * @param catalogWrites how often the transaction changed relations or columns; while it is the same, none was dropped or
 *     got another file
 * @param nextTransaction no transaction with a lower number begins any more; 32 bits, as a row's {@code xmin} has
 */
record TableStates(Map<Long, Long> changedRows, Map<Long, Table> tables, long catalogWrites, int nextTransaction) {
    /** pg_class and pg_attribute: their oids are the same in every version. */
    private static final String CATALOGS = "'{1259,1249}'::pg_catalog.oid[]";

    /** Oids from here on are not the system's own (PostgreSQL's access/transam.h). */
    private static final long FIRST_USER_OID = 16384;

    private static final String STATES = """
            SELECT c.oid, c.relname, c.relpersistence, coalesce(pg_catalog.pg_relation_filenode(c.oid), 0),
                coalesce(pg_catalog.pg_stat_get_xact_tuples_updated(c.oid), 0),
                coalesce(pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid), 0),
                (SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())),
                (SELECT %s)
            FROM pg_catalog.pg_class AS c
            WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}'::pg_catalog."char"[])
            AND (c.oid OPERATOR(pg_catalog.>=) '%d'::pg_catalog.oid OR c.oid OPERATOR(pg_catalog.=) ANY (%s))""".formatted(TrackCounts.SETTING, FIRST_USER_OID, CATALOGS);

    static TableStates of(Connection connection) throws SQLException {
        Map<Long, Long> changedRows = new HashMap<>();
        Map<Long, Table> tables = new HashMap<>();
        long catalogWrites = 0;
        int nextTransaction = 0;
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(STATES)) {
            while (rows.next()) {
                requireCounts(rows.getString(8));
                nextTransaction = (int) Long.parseLong(rows.getString(7));
                long oid = rows.getLong(1);
                long changed = rows.getLong(5) + rows.getLong(6);
                if (oid < FIRST_USER_OID) {
                    catalogWrites += changed;
                    continue;
                }
                if (changed > 0) {
                    changedRows.put(oid, changed);
                }
                if (!"t".equals(rows.getString(3))) {
                    tables.put(oid, new Table(rows.getString(2), rows.getLong(4)));
                }
            }
        }
        return new TableStates(changedRows, tables, catalogWrites, nextTransaction);
    }

    private static void requireCounts(String trackCounts) throws ImpactLimitException {
        if (!"on".equals(trackCounts)) {
            throw new ImpactLimitException(
                    "how many rows the statement changes cannot be known while track_counts is off",
                    "switch track_counts on, or impact_analysis_enabled off in the policy");
        }
    }

    ChangedRows changedSince(TableStates before) {
        Map<Long, Long> more = new HashMap<>();
        changedRows.forEach((table, count) -> {
            long difference = count - before.changedRows.getOrDefault(table, 0L);
            if (difference > 0) {
                more.put(table, difference);
            }
        });
        return new ChangedRows(more);
    }

    /**
     * A table.
     *
     * @param file the number of the file that holds its rows; 0 where it is made of partitions
     */
    record Table(String name, long file) {}
}
