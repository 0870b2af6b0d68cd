package io.backstop.cli.doctor;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * Whether the role of a connection could go round a guard: by what it may do on the server beside SQL that a guard sees, or
 * with its own tables. Stateless.
 */
final class RoleFindings {
    /** Names that are shown of many. */
    private static final int SHOWN = 3;

    private static final String ROLE = """
            SELECT pg_catalog.quote_ident(current_user), r.rolsuper, r.rolreplication, r.rolbypassrls, r.rolcreaterole,
                   r.rolconnlimit, r.oid OPERATOR(pg_catalog.=) 10::pg_catalog.oid OR NOT EXISTS (
                       SELECT FROM pg_catalog.pg_roles AS o WHERE o.rolsuper AND o.rolcanlogin
                       AND o.oid OPERATOR(pg_catalog.<>) r.oid) AS needed
            FROM pg_catalog.pg_roles AS r WHERE r.rolname OPERATOR(pg_catalog.=) current_user""";

    /** Roles of the server that reach its files and programs. */
    private static final String MEMBERSHIPS = """
            SELECT pg_catalog.quote_ident(r.rolname) FROM pg_catalog.pg_roles AS r
            WHERE r.rolname OPERATOR(pg_catalog.=) ANY (
                '{pg_execute_server_program,pg_write_server_files,pg_read_server_files}'::pg_catalog.name[])
            AND pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER') ORDER BY 1""";

    /** Functions that connect elsewhere, and languages whose code is not confined. */
    private static final String LEAVING = """
            SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text FROM pg_catalog.pg_proc AS p
            JOIN pg_catalog.pg_language AS l ON l.oid OPERATOR(pg_catalog.=) p.prolang
            WHERE (p.proname OPERATOR(pg_catalog.~~) 'dblink%'
                OR NOT l.lanpltrusted AND NOT l.lanname OPERATOR(pg_catalog.=) ANY ('{c,internal,sql}'::pg_catalog.name[]))
            AND p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
            AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE') ORDER BY 1""";

    private static final String OWNED = """
            SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
            WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,m,f}'::pg_catalog."char"[])
            AND c.relpersistence OPERATOR(pg_catalog.<>) 't'
            AND c.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
            AND pg_catalog.pg_has_role(current_user, c.relowner, 'USAGE') ORDER BY 1""";

    private RoleFindings() {}

    static List<DoctorFinding> of(Connection connection) throws SQLException {
        List<DoctorFinding> findings = new ArrayList<>();
        String role;
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(ROLE)) {
            row.next();
            role = row.getString(1);
            findings.add(attribute(
                    "superuser",
                    row.getBoolean(2),
                    role + " is a superuser: it can switch off every check and reach the server's files",
                    row.getBoolean("needed")
                            ? "connect as a role of its own, CREATE ROLE app LOGIN, with the rights that it needs: the"
                                    + " server itself needs " + role
                            : "ALTER ROLE " + role + " NOSUPERUSER"));
            if (row.getBoolean(2)) {
                return findings; // every other privilege follows
            }
            findings.add(attribute(
                    "replication",
                    row.getBoolean(3),
                    role + " may replicate: it can read everything that is written",
                    "ALTER ROLE " + role + " NOREPLICATION"));
            findings.add(attribute(
                    "row security",
                    row.getBoolean(4),
                    role + " is exempt from row security",
                    "ALTER ROLE " + role + " NOBYPASSRLS"));
            findings.add(attribute(
                    "other roles",
                    row.getBoolean(5),
                    role + " can make roles and, before version 16, become most of them",
                    "ALTER ROLE " + role + " NOCREATEROLE"));
            if (row.getInt(6) == 1) {
                findings.add(DoctorFinding.degraded(
                        "connections",
                        role + " may have one connection: snapshots and approved statements need a second",
                        "ALTER ROLE " + role + " CONNECTION LIMIT 10, or -1 for no limit"));
            }
        }
        findings.add(memberships(role, names(connection, MEMBERSHIPS)));
        findings.add(leaving(role, names(connection, LEAVING)));
        findings.add(owned(role, names(connection, OWNED)));
        return findings;
    }

    private static DoctorFinding attribute(String check, boolean has, String detail, String remedy) {
        return has
                ? DoctorFinding.notReady(check, detail, remedy)
                : DoctorFinding.ready(check, "the role is not privileged");
    }

    private static DoctorFinding memberships(String role, List<String> memberships) {
        String check = "server's files and programs";
        return memberships.isEmpty()
                ? DoctorFinding.ready(check, "the role does not reach them")
                : DoctorFinding.notReady(
                        check,
                        role + " is a member of " + String.join(", ", memberships)
                                + ": on the storage's host it could change snapshots",
                        "REVOKE " + String.join(", ", memberships) + " FROM " + role);
    }

    private static DoctorFinding leaving(String role, List<String> functions) {
        String check = "ways out of the session";
        return functions.isEmpty()
                ? DoctorFinding.ready(check, "no function that connects elsewhere or runs unconfined code")
                : DoctorFinding.notReady(
                        check,
                        role + " may execute " + some(functions) + ": what they do elsewhere is not seen",
                        "REVOKE EXECUTE ON FUNCTION " + functions.get(0) + " FROM PUBLIC, " + role
                                + (functions.size() == 1 ? "" : "; and the others"));
    }

    private static DoctorFinding owned(String role, List<String> tables) {
        String check = "ownership";
        return tables.isEmpty()
                ? DoctorFinding.ready(check, "the role owns no tables")
                : DoctorFinding.degraded(
                        check,
                        role + " owns " + some(tables) + ": whoever has its password can drop them without Backstop",
                        "CREATE ROLE owner NOLOGIN; ALTER TABLE " + tables.get(0)
                                + " OWNER TO owner; GRANT SELECT, INSERT," + " UPDATE, DELETE ON " + tables.get(0)
                                + " TO " + role);
    }

    private static String some(List<String> names) {
        String shown = String.join(", ", names.subList(0, Math.min(SHOWN, names.size())));
        return names.size() <= SHOWN ? shown : shown + " and " + (names.size() - SHOWN) + " more";
    }

    private static List<String> names(Connection connection, String question) throws SQLException {
        List<String> names = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(question)) {
            while (rows.next()) {
                names.add(rows.getString(1));
            }
        }
        return names;
    }
}
