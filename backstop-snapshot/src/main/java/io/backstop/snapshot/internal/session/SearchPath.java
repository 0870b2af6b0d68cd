package io.backstop.snapshot.internal.session;

import io.backstop.api.internal.postgres.SqlSpelling;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * The session's search path. Names in a statement are looked up along the caller's; everything else is asked with {@code
 * pg_catalog} alone, so that no function or operator of somebody else's can answer in PostgreSQL's place.
 */
public final class SearchPath {
    private static final String USE_CATALOG = "SET LOCAL search_path = pg_catalog, pg_temp";

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
        session.execute(USE_CATALOG);
    }

    /** Asks one query along the caller's path, and goes back to the catalog's, all in one round trip. Takes a snapshot. */
    public <T> List<T> rowsAlongCallers(String query, CallerSession.Row<T> reader) throws SQLException {
        List<T> rows = new ArrayList<>();
        try (Statement statement = session.connection().createStatement()) {
            statement.execute(selectCallers() + "; " + query + "; " + USE_CATALOG);
            statement.getMoreResults(); // the first is the path's
            try (ResultSet result = statement.getResultSet()) {
                while (result.next()) {
                    rows.add(reader.read(result));
                }
            }
        }
        return rows;
    }

    /** Takes a snapshot. As the caller had it: the value is kept, whether it was set for the session or for the transaction. */
    public void useCallers() throws SQLException {
        session.value(selectCallers());
    }

    private String selectCallers() {
        return "SELECT pg_catalog.set_config('search_path'," + SqlSpelling.escapedLiteral(callers) + ", true)";
    }
}
