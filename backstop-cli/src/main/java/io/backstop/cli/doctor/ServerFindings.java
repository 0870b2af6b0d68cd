package io.backstop.cli.doctor;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/** What Backstop asks of a server and a database. Stateless. */
final class ServerFindings {
    private static final int OLDEST = 13;
    private static final int NEWEST_TESTED = 18;

    /** Operators are qualified, because on the session's search path they may mean anything. */
    private static final String QUESTION = """
            SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 OPERATOR(pg_catalog./) 10000,
                   pg_catalog.current_setting('server_version'),
                   pg_catalog.pg_is_in_recovery(),
                   pg_catalog.current_setting('track_counts') OPERATOR(pg_catalog.=) 'on',
                   pg_catalog.current_setting('server_encoding'),
                   coalesce(pg_catalog.has_function_privilege(
                       pg_catalog.to_regprocedure('pg_catalog.pg_control_system()'), 'EXECUTE'), false),
                   pg_catalog.quote_ident(current_user)""";

    private ServerFindings() {}

    static List<DoctorFinding> of(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(QUESTION)) {
            row.next();
            return List.of(
                    version(row.getInt(1), row.getString(2)),
                    row.getBoolean(3)
                            ? DoctorFinding.degraded(
                                    "primary",
                                    "the server is a standby: it takes no writes",
                                    "name the primary server in --db")
                            : DoctorFinding.ready("primary", "the server takes writes"),
                    row.getBoolean(4)
                            ? DoctorFinding.ready(
                                    "track_counts", "on: the rows that a statement changes can be counted")
                            : DoctorFinding.notReady(
                                    "track_counts",
                                    "off: the rows that a statement changes cannot be counted, so that no limit holds",
                                    "ALTER SYSTEM SET track_counts = on; and look at ALTER ROLE and ALTER DATABASE … SET"),
                    row.getString(5).equals("SQL_ASCII")
                            ? DoctorFinding.degraded(
                                    "encoding",
                                    "SQL_ASCII: the database does not know which characters its bytes are",
                                    "a database in UTF8 is safer; see docs/policy.md")
                            : DoctorFinding.ready("encoding", row.getString(5)),
                    row.getBoolean(6)
                            ? DoctorFinding.ready("identity", "the role may ask which server this is")
                            : DoctorFinding.degraded(
                                    "identity",
                                    "the role may not ask which server this is: snapshots do not say which they are of, and"
                                            + " `recent` mode counts none",
                                    "GRANT EXECUTE ON FUNCTION pg_control_system(), pg_current_wal_lsn(), pg_walfile_name(pg_lsn) TO "
                                            + row.getString(7)));
        }
    }

    private static DoctorFinding version(int major, String words) {
        if (major < OLDEST) {
            return DoctorFinding.notReady("version", words + " is older than " + OLDEST, "upgrade the server");
        }
        return major > NEWEST_TESTED
                ? DoctorFinding.degraded(
                        "version",
                        words + " is newer than " + NEWEST_TESTED + ", the newest that was tested",
                        "look for a newer Backstop")
                : DoctorFinding.ready("version", "PostgreSQL " + words);
    }
}
