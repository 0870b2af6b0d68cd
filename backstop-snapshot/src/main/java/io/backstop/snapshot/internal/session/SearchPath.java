package io.backstop.snapshot.internal.session;

import io.backstop.api.internal.postgres.SqlSpelling;

import java.sql.SQLException;

/**
 * The session's search path. Names in a statement are looked up along the caller's; everything else is asked with {@code
 * pg_catalog} alone, so that no function or operator of somebody else's can answer in PostgreSQL's place.
 */
public final class SearchPath {
    private final CallerSession session;
    private final String callers;

    private SearchPath(CallerSession session, String callers) {
        this.session = session;
        this.callers = callers;
    }

    /** By SHOW, which takes no snapshot for the transaction; neither does {@link #useCatalog}. */
    public static SearchPath of(CallerSession session) throws SQLException {
        return new SearchPath(session, session.value("SHOW search_path"));
    }

    public void useCatalog() throws SQLException {
        session.execute("SET LOCAL search_path = pg_catalog, pg_temp");
    }

    /** Takes a snapshot. As the caller had it: the value is kept, whether it was set for the session or for the transaction. */
    public void useCallers() throws SQLException {
        session.value("SELECT pg_catalog.set_config('search_path'," + SqlSpelling.escapedLiteral(callers) + ", true)");
    }
}
