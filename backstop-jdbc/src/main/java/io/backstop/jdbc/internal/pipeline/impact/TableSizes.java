package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.internal.postgres.InheritanceTree;
import org.postgresql.core.TransactionState;
import org.postgresql.jdbc.AutoSave;
import org.postgresql.jdbc.PgConnection;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;

/** Compares changed rows with the size of their table. Reads no more rows than it has to. Not thread-safe. */
record TableSizes(Connection connection) {
    /**
     * Names and rights by the server's own look at the catalog, which is of the present; what is of the catalog's tables is as the
     * transaction sees it, and locks no partition.
     */
    private static final String RELATION = """
            WITH tree (oid) AS (%s)
            SELECT t.id::pg_catalog.regclass::pg_catalog.text,
                t.id::pg_catalog.regclass::pg_catalog.text OPERATOR(pg_catalog.=) t.id::pg_catalog.text,
                (SELECT COALESCE(NULLIF(pg_catalog.sum(CASE
                    WHEN part.reltuples OPERATOR(pg_catalog.<=) 0 THEN pg_catalog.pg_stat_get_live_tuples(part.oid)
                    WHEN pg_catalog.pg_stat_get_live_tuples(part.oid) OPERATOR(pg_catalog.>) 0::pg_catalog.int8
                        THEN LEAST(part.reltuples, pg_catalog.pg_stat_get_live_tuples(part.oid))
                    ELSE part.reltuples END)::pg_catalog.int8, 0), -1)
                FROM pg_catalog.pg_class AS part WHERE part.relkind OPERATOR(pg_catalog.<>) 'p'
                AND (part.oid OPERATOR(pg_catalog.=) t.id
                    OR (c.relkind OPERATOR(pg_catalog.=) 'p' AND part.oid OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT oid FROM tree))))),
            c.relkind IS NOT DISTINCT FROM 'p',
            pg_catalog.has_table_privilege(t.id, 'SELECT') AND NOT pg_catalog.row_security_active(t.id)
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_foreign_table AS far
                    WHERE far.ftrelid OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT oid FROM tree)))
            FROM (SELECT ?::pg_catalog.oid AS id) AS t
            LEFT JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) t.id""".formatted(InheritanceTree.query("?::pg_catalog.oid"));

    /**
     * Whether rows are a larger share of their table, as it was before, than allowed.
     *
     * @param changed how many rows are no longer what they were
     * @param gone how many of the table's rows are not there to be counted any more
     * @param added how many of the rows that are there now were not before
     * @param known what the size is known to have been, for a table whose rows cannot be counted
     */
    boolean isMoreThan(int percent, long table, long changed, long gone, long added, Optional<Long> known)
            throws SQLException {
        if (percent == 100 || changed > Integer.MAX_VALUE) {
            return false;
        }
        long enough = (changed * 100 + percent - 1) / percent;
        if (enough - gone + added <= 0) {
            return false;
        }
        Present present = present(table, enough - gone + added);
        return present.counted() ? present.rows() - added + gone < enough : known.orElse(present.rows()) < enough;
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
        Present present = present(table, enough);
        long before = present.counted() ? Math.max(0, present.rows() + gone - added) : present.rows();
        return before < 0 ? Optional.empty() : Optional.of(Math.min(limit, before));
    }

    /**
     * How many rows the table has, counted up to the limit; by the server's estimate, or -1 where it has none, where the
     * role may not count, would run the code of a policy or of another server by it, or code that fails, or would wait for
     * somebody. The statistics say how many there were before the transaction; and as anybody who may analyse the table has a
     * say in the last analysis, the smaller of the two estimates counts.
     */
    private Present present(long table, long limit) throws SQLException {
        String relation;
        long estimate;
        try (PreparedStatement select = connection.prepareStatement(RELATION)) {
            select.setLong(1, table);
            select.setLong(2, table);
            try (ResultSet row = select.executeQuery()) {
                row.next();
                if (row.getBoolean(2)) {
                    return new Present(limit, true); // it is gone: nothing to compare with
                }
                if (!row.getBoolean(5)) {
                    return new Present(row.getLong(3), false);
                }
                // Rows of an inheritance child are no rows of this table; those of partitions are.
                relation = (row.getBoolean(4) ? "" : "ONLY ") + row.getString(1);
                estimate = row.getLong(3);
            }
        }
        return counted("SELECT pg_catalog.count(*) FROM (SELECT FROM " + relation + " LIMIT " + limit + ") AS present")
                .map(rows -> new Present(rows, true))
                .orElse(new Present(estimate, false));
    }

    /**
     * Asks read-only, and rolls that back, in one round trip: to plan a query, the server evaluates what the table's
     * statistics and constraints are made of, which may be code of the user's. Waits for nobody who has locked a partition.
     *
     * @return empty where that code fails, or somebody has
     */
    private Optional<Long> counted(String query) throws SQLException {
        PgConnection postgres = connection.unwrap(PgConnection.class);
        boolean alone = connection.getAutoCommit() && postgres.getTransactionState() == TransactionState.IDLE;
        String end = alone ? "ROLLBACK" : "ROLLBACK TO backstop_size; RELEASE backstop_size";
        AutoSave callers = postgres.getAutosave();
        postgres.setAutosave(AutoSave.NEVER); // it is no statement of the caller's
        try (Statement statement = connection.createStatement()) {
            try {
                statement.execute((alone
                                ? "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL lock_timeout = 100"
                                : "SAVEPOINT backstop_size; SET LOCAL transaction_read_only = on; SET LOCAL lock_timeout = 100")
                        + "; " + query + "; " + end);
            } catch (SQLException e) {
                if (postgres.getTransactionState() != TransactionState.FAILED) {
                    throw e;
                }
                statement.execute(end);
                return Optional.empty();
            }
            while (statement.getUpdateCount() >= 0) {
                statement.getMoreResults();
            }
            try (ResultSet row = statement.getResultSet()) {
                row.next();
                return Optional.of(row.getLong(1));
            }
        } finally {
            postgres.setAutosave(callers);
        }
    }

    /** @param counted whether these are the rows that the transaction sees, and not an estimate of those before it */
    private record Present(long rows, boolean counted) {}
}
