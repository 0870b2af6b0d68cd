package io.backstop.api.internal.postgres;

import java.util.Locale;

/**
 * The setting {@code track_counts} (PostgreSQL documentation, 20.9), without which the server counts no changed rows.
 * Stateless.
 */
public final class TrackCounts {
    /** A scalar: {@code on} or {@code off}. */
    public static final String SETTING = "pg_catalog.current_setting('track_counts')";

    /**
     * The FROM and WHERE of a query for functions {@code p} that may switch it off while they run, and on again before
     * anyone looks. Every name is qualified, so that it means the same on any search path.
     */
    public static final String FUNCTIONS_THAT_MAY_SWITCH_IT_OFF = """
            FROM pg_catalog.pg_proc AS p
            JOIN pg_catalog.pg_language AS l ON l.oid OPERATOR(pg_catalog.=) p.prolang
                AND l.lanname OPERATOR(pg_catalog.<>) 'internal' AND l.lanname OPERATOR(pg_catalog.<>) 'c'
            WHERE pg_catalog.array_to_string(p.proconfig, ' ') OPERATOR(pg_catalog.~~) '%track_counts=%'
            OR pg_catalog.strpos(pg_catalog.lower(p.prosrc), 'track_counts') OPERATOR(pg_catalog.>) 0
                AND p.prosrc OPERATOR(pg_catalog.~*) '(^|[^a-z_])set(_config)?[^a-z_;][^;]*track_counts'
            """;

    private TrackCounts() {}

    /** Whether a text may switch the counters off, and on again before anyone looks. */
    public static boolean mayBeSwitchedOffBy(String sql) {
        return sql.toLowerCase(Locale.ROOT).contains("track_counts");
    }
}
