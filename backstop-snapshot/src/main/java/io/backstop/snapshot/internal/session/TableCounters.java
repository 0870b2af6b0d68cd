package io.backstop.snapshot.internal.session;

import io.backstop.snapshot.archive.CommitMark.StatementCounts;

import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

/** How many rows of tables a session's open transaction has written so far, by the server's own counters. */
public final class TableCounters {
    private static final String WRITTEN = """
            SELECT o::pg_catalog.int8, coalesce(pg_catalog.pg_stat_get_xact_tuples_inserted(o), 0),
                   coalesce(pg_catalog.pg_stat_get_xact_tuples_updated(o), 0),
                   coalesce(pg_catalog.pg_stat_get_xact_tuples_deleted(o), 0)
            FROM pg_catalog.unnest(%s) o
            """;

    private TableCounters() {}

    /** By the tables' oids, one for each. */
    public static Map<Long, StatementCounts> of(CallerSession session, Collection<Long> oids) throws SQLException {
        Map<Long, StatementCounts> counts = new HashMap<>();
        session.rows(
                WRITTEN.formatted(CallerSession.array(oids)),
                row -> counts.put(row.getLong(1), new StatementCounts(row.getLong(2), row.getLong(3), row.getLong(4))));
        return counts;
    }
}
