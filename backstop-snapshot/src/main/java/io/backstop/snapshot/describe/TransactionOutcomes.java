package io.backstop.snapshot.describe;

import io.backstop.api.internal.postgres.ServerIdentities;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.TableIdentity;
import io.backstop.snapshot.archive.StatementOutcome;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;

/**
 * Asks the server how the transactions of undecided snapshots ended. It answers for its own database alone, in the history in
 * which the snapshot was taken, and only while it keeps the transaction's status (PostgreSQL, System Information Functions,
 * {@code pg_xact_status}). Another server, or one that was promoted since, may have given the number to another transaction.
 */
public final class TransactionOutcomes {
    private static final String NOT_BEGUN_YET = "22023";

    /** A server that was set back to before the snapshot knows another transaction by that number, or none. */
    private static final String STATUS =
            "SELECT CASE WHEN ? = (SELECT d.oid::bigint FROM pg_catalog.pg_database d WHERE d.datname ="
                    + " pg_catalog.current_database()) AND CASE WHEN pg_catalog.pg_is_in_recovery() THEN"
                    + " pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_insert_lsn() END >= ?::pg_lsn"
                    + " THEN pg_catalog.pg_xact_status(?::xid8) END";

    private TransactionOutcomes() {}

    /** @param connection in auto-commit, so that a server that does not know the transaction does no harm */
    public static StatementOutcome of(Connection connection, SnapshotManifest manifest) throws SQLException {
        Optional<TableIdentity> identity = manifest.identity();
        if (identity.isEmpty() || manifest.transactionId().isEmpty()) {
            return StatementOutcome.UNKNOWN;
        }
        if (ServerIdentities.read(connection)
                .filter(server -> manifest.server().filter(server::isSameAs).isPresent())
                .isEmpty()) {
            return StatementOutcome.UNKNOWN;
        }
        try (PreparedStatement status = connection.prepareStatement(STATUS)) {
            status.setLong(1, identity.get().databaseOid());
            status.setString(2, manifest.lsn());
            status.setString(3, manifest.transactionId().get());
            try (ResultSet row = status.executeQuery()) {
                row.next();
                return outcome(Optional.ofNullable(row.getString(1)));
            }
        } catch (SQLException e) {
            if (NOT_BEGUN_YET.equals(e.getSQLState())) {
                return StatementOutcome.UNKNOWN;
            }
            throw e;
        }
    }

    private static StatementOutcome outcome(Optional<String> status) {
        return switch (status.orElse("")) {
            case "committed" -> StatementOutcome.COMMITTED;
            case "aborted" -> StatementOutcome.ROLLED_BACK;
            case "in progress" -> StatementOutcome.IN_PROGRESS;
            default -> StatementOutcome.UNKNOWN;
        };
    }
}
