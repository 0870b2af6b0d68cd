package io.backstop.jdbc.internal.pipeline.preview;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.approval.SessionContext;
import io.backstop.api.internal.postgres.ServerIdentities;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Reads what decides, beside the text and its values, on what a statement acts in a session: so that an approval that was
 * given in one state of it serves in no other. Stateless, thread-safe.
 */
public final class SessionContextReader {
    private static final String STATE = "SELECT pg_catalog.current_setting('role'), session_user,"
            + " pg_catalog.current_setting('search_path'), pg_catalog.current_setting('transaction_isolation')";

    private static final String ISOLATION = "transaction_isolation";

    /** Levels at which every statement sees what is committed (PostgreSQL documentation, 13.2). */
    private static final Set<String> NEWEST_CATALOG = Set.of("read committed", "read uncommitted");

    /** Temporary relations, types and functions hide others of their names; empty where the session has none. */
    private static final String TEMPORARY = """
            SELECT coalesce(pg_catalog.string_agg(t.name, ',' ORDER BY t.name), '') FROM (
                SELECT pg_catalog.format('%s:%s', oid, relname) AS name FROM pg_catalog.pg_class
                WHERE relnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()
                UNION ALL SELECT pg_catalog.format('type %s:%s', oid, typname) FROM pg_catalog.pg_type
                WHERE typnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()
                UNION ALL SELECT pg_catalog.format('function %s:%s', oid, proname) FROM pg_catalog.pg_proc
                WHERE pronamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()) AS t""";

    /**
     * What a relation is now, with its partitions and children. Not to_regclass, which fails where a schema may not be used,
     * and would fail the caller's transaction.
     */
    private static final String NAMED = """
            WITH RECURSIVE named AS (SELECT c.oid FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
            WHERE c.relname OPERATOR(pg_catalog.=) ?::pg_catalog.name
            AND CASE WHEN ?::pg_catalog.text OPERATOR(pg_catalog.=) '' THEN pg_catalog.pg_table_is_visible(c.oid)
                ELSE n.nspname OPERATOR(pg_catalog.=) ?::pg_catalog.name END),
            tree AS (SELECT oid FROM named
                UNION SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits AS i
                ON i.inhparent OPERATOR(pg_catalog.=) tree.oid)
            SELECT (SELECT pg_catalog.string_agg(tree.oid::pg_catalog.text, ',' ORDER BY tree.oid) FROM tree) FROM named""";

    private SessionContextReader() {}

    /**
     * What a session says of itself and of what it sees.
     *
     * @param code what the statement reaches
     * @param fixed whether the transaction goes on seeing the catalog as it was, while the server runs what is newest
     */
    public record Reading(SessionContext context, ReachedCode code, boolean fixed) {}

    /** Before the statement is sent. */
    public static Reading read(GuardedSession session, ReviewedStatement reviewed) throws SQLException {
        Reading reading = readWithin(session, reviewed);
        session.endOwnTransaction();
        return reading;
    }

    private static Reading readWithin(GuardedSession session, ReviewedStatement reviewed) throws SQLException {
        Connection connection = session.connection();
        String role;
        String searchPath;
        String isolation;
        StringBuilder identity = new StringBuilder();
        try (Statement statement = connection.createStatement()) {
            try (ResultSet row = statement.executeQuery(STATE)) {
                row.next();
                role = row.getString(1).equals("none") ? row.getString(2) : row.getString(1);
                searchPath = row.getString(3);
                isolation = row.getString(4);
            }
            try (ResultSet row = statement.executeQuery(TEMPORARY)) {
                row.next();
                identity.append(row.getString(1).isEmpty() ? "" : "temporary " + row.getString(1) + ";");
            }
        }
        for (RelationName relation :
                reviewed.assessment().tables().stream().distinct().toList()) {
            identity.append(oid(connection, relation));
        }
        RememberedTypes.requireCurrent(connection, reviewed.types());
        identity.append(RememberedTypes.identity(reviewed.types()));
        ReachedCode reached = ReachedCode.of(connection, reviewed.assessment(), reviewed.sql());
        identity.append("code ").append(reached.digest());
        Map<String, String> settings = new TreeMap<>(BoundSettings.of(connection, reached, reviewed.sql()));
        settings.put(ISOLATION, isolation);
        // Another server under the same host, port and name has other rows in tables of the same oids.
        ServerIdentities.read(connection).ifPresent(server -> {
            settings.put("system_identifier", server.systemIdentifier());
            settings.put("timeline", server.timeline().map(String::valueOf).orElse("unknown"));
        });
        return new Reading(
                new SessionContext(role, searchPath, settings, identity.toString()),
                reached,
                !NEWEST_CATALOG.contains(isolation));
    }

    private static String oid(Connection connection, RelationName relation) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(NAMED)) {
            select.setString(1, relation.name());
            select.setString(2, relation.schema().orElse(""));
            select.setString(3, relation.schema().orElse(""));
            try (ResultSet row = select.executeQuery()) {
                return row.next() ? relation + "=" + row.getString(1) + ";" : "";
            }
        }
    }
}
