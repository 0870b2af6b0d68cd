package io.backstop.jdbc.internal.pipeline.impact;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;

/** Compares changed rows with the size of their table. Reads no more rows than it has to. Not thread-safe. */
record TableSizes(Connection connection) {
    /** By the server's own look at the catalog, which is of the present; the estimate alone is as the transaction sees it. */
    private static final String RELATION = """
            SELECT t.id::pg_catalog.regclass::pg_catalog.text,
                t.id::pg_catalog.regclass::pg_catalog.text OPERATOR(pg_catalog.=) t.id::pg_catalog.text,
                (SELECT COALESCE(NULLIF(pg_catalog.sum(GREATEST(part.reltuples,
                    pg_catalog.pg_stat_get_live_tuples(part.oid), 0))::pg_catalog.int8, 0), -1)
                FROM pg_catalog.pg_class AS part WHERE part.oid OPERATOR(pg_catalog.=) t.id AND part.relkind OPERATOR(pg_catalog.<>) 'p'
                OR part.oid OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT leaf.relid::pg_catalog.oid
                    FROM pg_catalog.pg_partition_tree(t.id) AS leaf WHERE leaf.isleaf))),
            EXISTS (SELECT FROM pg_catalog.pg_partition_tree(t.id) AS top
                WHERE top.relid::pg_catalog.oid OPERATOR(pg_catalog.=) t.id AND NOT top.isleaf),
            pg_catalog.has_table_privilege(t.id, 'SELECT') AND NOT pg_catalog.row_security_active(t.id)
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_foreign_table AS far
                    WHERE far.ftrelid OPERATOR(pg_catalog.=) t.id
                    OR far.ftrelid OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT part.relid::pg_catalog.oid
                        FROM pg_catalog.pg_partition_tree(t.id) AS part)))
            FROM (SELECT ?::pg_catalog.oid AS id) AS t""";

    /**
     * Whether rows are a larger share of their table, as it was before, than allowed.
     *
     * @param changed how many rows are no longer what they were
     * @param gone how many of the table's rows are not there to be counted any more
     * @param added how many of the rows that are there now were not before
     */
    boolean isMoreThan(int percent, long table, long changed, long gone, long added) throws SQLException {
        if (percent == 100 || changed > Integer.MAX_VALUE) {
            return false;
        }
        long enough = (changed * 100 + percent - 1) / percent - gone + added;
        return enough > 0 && present(table, enough) < enough;
    }

    /**
     * How many rows a table had before, or the limit where it had more; empty where that cannot be known.
     *
     * @param gone how many of the table's rows are not there to be counted any more
     * @param added how many of the rows that are there now were not before
     */
    Optional<Long> before(long table, long limit, long gone, long added) throws SQLException {
        long enough = limit - gone + added;
        if (enough <= 0) {
            return Optional.of(limit);
        }
        long present = present(table, enough);
        return present < 0 ? Optional.empty() : Optional.of(Math.max(0, Math.min(limit, present + gone - added)));
    }

    /**
     * How many rows the table has, counted up to the limit; by the server's estimate, or -1 where it has none, where the
     * role may not count, or would run the code of a policy or of another server by it. A table that was never analysed has
     * the number of rows that the statistics have seen.
     */
    private long present(long table, long limit) throws SQLException {
        String relation;
        try (PreparedStatement select = connection.prepareStatement(RELATION)) {
            select.setLong(1, table);
            try (ResultSet row = select.executeQuery()) {
                row.next();
                if (row.getBoolean(2)) {
                    return limit; // it is gone: nothing to compare with
                }
                if (!row.getBoolean(5)) {
                    return row.getLong(3);
                }
                // Rows of an inheritance child are no rows of this table; those of partitions are.
                relation = (row.getBoolean(4) ? "" : "ONLY ") + row.getString(1);
            }
        }
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT pg_catalog.count(*) FROM (SELECT FROM " + relation
                        + " LIMIT " + limit + ") AS present")) {
            row.next();
            return row.getLong(1);
        }
    }
}
