package io.backstop.jdbc.internal.pipeline.catalog;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Finds roles that can switch the server's counters off, run programs, or connect again. Stateless. */
public final class OpenRoles {
    /** Since this version the right to change a setting can be granted. */
    private static final int GRANTED_SETTINGS = 15;

    /** From the role that has logged in, which RESET SESSION AUTHORIZATION and RESET ROLE lead back to. */
    private static final String REACHED = """
            SELECT pg_catalog.current_setting('is_superuser') OPERATOR(pg_catalog.=) 'on' OR EXISTS (
                SELECT FROM pg_catalog.pg_roles AS r
                WHERE (pg_catalog.pg_has_role(a.usesysid, r.oid, 'MEMBER')
                    OR pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER'))
                AND (%s))
            FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) AS a""";

    private OpenRoles() {}

    /**
     * A condition in SQL.
     *
     * @param superuser the condition that the role is a superuser
     * @param role an expression for its oid
     * @param version the server's
     */
    public static String condition(String superuser, String role, int version) {
        return superuser
                + (version >= GRANTED_SETTINGS
                        ? " OR pg_catalog.has_parameter_privilege(" + role + ", 'track_counts', 'SET')"
                        : "")
                + " OR pg_catalog.pg_has_role(" + role + """
                , 'pg_execute_server_program', 'MEMBER')
                OR EXISTS (SELECT FROM pg_catalog.pg_proc AS leaving JOIN pg_catalog.pg_language AS language
                    ON language.oid OPERATOR(pg_catalog.=) leaving.prolang
                    WHERE (leaving.proname OPERATOR(pg_catalog.~~) 'dblink%%'
                        OR NOT language.lanpltrusted AND leaving.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
                            AND NOT language.lanname OPERATOR(pg_catalog.=) ANY ('{c,internal,sql}'))
                    AND pg_catalog.has_function_privilege(""".formatted() + role + ", leaving.oid, 'EXECUTE'))";
    }

    /** Whether the session's present role is one, or one that the session may take. */
    public static boolean ofSession(Connection connection) throws SQLException {
        int version = connection.getMetaData().getDatabaseMajorVersion();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(REACHED.formatted(condition("r.rolsuper", "r.oid", version)))) {
            return !row.next() || row.getBoolean(1);
        }
    }
}
