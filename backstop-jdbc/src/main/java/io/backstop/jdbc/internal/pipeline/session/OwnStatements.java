package io.backstop.jdbc.internal.pipeline.session;

import org.postgresql.jdbc.PgConnection;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * Sends statements of Backstop's own, of which several may stand in one text. pgjdbc is to set no savepoints around them; and
 * where it is told to force binary transfer (a negative prepareThreshold), it would have the server parse all of them before
 * the first runs, which takes a snapshot too early for SET TRANSACTION. Used within the session's turn.
 */
final class OwnStatements {
    /** Fails, and says in the server's log why. */
    private static final String FAIL = "RELEASE SAVEPOINT \"backstop: a statement before has failed\"";

    /** S E Invalid Specification (PostgreSQL documentation, appendix A). */
    private static final String NO_SUCH_SAVEPOINT = "3B001";

    private final PgConnection postgres;
    private final DriverSavepoints driverSavepoints;
    private final SessionEnd end;

    OwnStatements(PgConnection postgres, DriverSavepoints driverSavepoints, SessionEnd end) {
        this.postgres = postgres;
        this.driverSavepoints = driverSavepoints;
        this.end = end;
    }

    /** @param connection the driver's, or a pool's over it */
    void send(Connection connection, String sql) throws SQLException {
        end.requireNotOver();
        driverSavepoints.without(() -> {
            try (Statement statement = undescribed(connection)) {
                return statement.execute(sql);
            }
        });
    }

    /**
     * Has the transaction fail outside of a savepoint behind which it has failed: the server then gives back the locks that it
     * took before.
     */
    void failBehind(Connection connection, String savepoint) throws SQLException {
        fail(connection, "ROLLBACK TO SAVEPOINT " + savepoint + "; RELEASE SAVEPOINT " + savepoint + "; " + FAIL);
    }

    /** Has the transaction fail. */
    void fail(Connection connection) throws SQLException {
        fail(connection, FAIL);
    }

    private void fail(Connection connection, String sql) throws SQLException {
        try {
            send(connection, sql);
        } catch (SQLException e) {
            if (!NO_SUCH_SAVEPOINT.equals(e.getSQLState())) {
                throw e;
            }
        }
    }

    /** A statement takes both settings over when it is made, and cannot be told otherwise later. */
    private Statement undescribed(Connection connection) throws SQLException {
        int threshold = postgres.getPrepareThreshold();
        boolean binary = postgres.getForceBinary();
        if (threshold >= 0 && !binary) {
            return connection.createStatement();
        }
        postgres.setPrepareThreshold(0);
        postgres.setForceBinary(false);
        try {
            return connection.createStatement();
        } finally {
            postgres.setForceBinary(binary);
            postgres.setPrepareThreshold(threshold);
        }
    }
}
