package io.backstop.api.internal.postgres;

import io.backstop.api.snapshot.ServerIdentity;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;

/** Asks a server which one it is (PostgreSQL documentation, 9.28, Control Data Functions). Stateless, thread-safe. */
public final class ServerIdentities {
    /**
     * Whether a role may ask, in a query of its own: a function that may not be executed fails a query, and the caller's
     * transaction with it, even where it stands behind a CASE that does not come to it.
     */
    private static final String ALLOWED = """
            SELECT coalesce(pg_catalog.has_function_privilege(
                       pg_catalog.to_regprocedure('pg_catalog.pg_control_system()'), 'EXECUTE'), false),
                   NOT pg_catalog.pg_is_in_recovery()
                   AND coalesce(pg_catalog.has_function_privilege(
                       pg_catalog.to_regprocedure('pg_catalog.pg_current_wal_lsn()'), 'EXECUTE'), false)
                   AND coalesce(pg_catalog.has_function_privilege(
                       pg_catalog.to_regprocedure('pg_catalog.pg_walfile_name(pg_catalog.pg_lsn)'), 'EXECUTE'), false)
            """;

    private static final String IDENTIFIER =
            "SELECT s.system_identifier::pg_catalog.text, %s FROM pg_catalog.pg_control_system() AS s";

    /**
     * The timeline that the server writes, in the first eight digits of the file's name. The control file's own tells that of
     * the last checkpoint, which may come some time after a promotion.
     */
    private static final String TIMELINE =
            "pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8)";

    private ServerIdentities() {}

    /** Empty where the role may not ask. Leaves a transaction as it is; a failed one cannot be asked in. */
    public static Optional<ServerIdentity> read(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            boolean timeline;
            try (ResultSet allowed = statement.executeQuery(ALLOWED)) {
                allowed.next();
                if (!allowed.getBoolean(1)) {
                    return Optional.empty();
                }
                timeline = allowed.getBoolean(2);
            }
            try (ResultSet row = statement.executeQuery(IDENTIFIER.formatted(timeline ? TIMELINE : "NULL"))) {
                row.next();
                return Optional.of(new ServerIdentity(
                        row.getString(1),
                        Optional.ofNullable(row.getString(2)).map(digits -> Long.parseLong(digits, 16))));
            }
        }
    }
}
