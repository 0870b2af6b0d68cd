package io.backstop.jdbc.internal.pipeline.catalog;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Finds roles that can switch the server's counters off, run programs, or connect again. Stateless. */
public final class OpenRoles {
    private static final String SESSION =
            "SELECT " + condition("pg_catalog.current_setting('is_superuser') OPERATOR(pg_catalog.=) 'on'", "r.oid")
                    + " FROM pg_catalog.pg_roles AS r WHERE r.rolname OPERATOR(pg_catalog.=) current_user";

    private OpenRoles() {}

    /**
     * A condition in SQL.
     *
     * @param superuser the condition that the role is a superuser
     * @param role an expression for its oid
     */
    public static String condition(String superuser, String role) {
        return superuser + " OR pg_catalog.pg_has_role(" + role + """
                , 'pg_execute_server_program', 'MEMBER')
                OR EXISTS (SELECT FROM pg_catalog.pg_proc AS leaving JOIN pg_catalog.pg_language AS language
                    ON language.oid OPERATOR(pg_catalog.=) leaving.prolang
                    WHERE (leaving.proname OPERATOR(pg_catalog.~~) 'dblink%%'
                        OR NOT language.lanpltrusted AND leaving.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
                            AND NOT language.lanname OPERATOR(pg_catalog.=) ANY ('{c,internal,sql}'))
                    AND pg_catalog.has_function_privilege(""".formatted() + role + ", leaving.oid, 'EXECUTE'))";
    }

    /** Whether the session's present role is one. */
    public static boolean ofSession(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(SESSION)) {
            return !row.next() || row.getBoolean(1);
        }
    }
}
