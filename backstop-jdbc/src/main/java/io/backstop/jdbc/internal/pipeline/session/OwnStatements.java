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
    private final PgConnection postgres;
    private final DriverSavepoints driverSavepoints;

    OwnStatements(PgConnection postgres, DriverSavepoints driverSavepoints) {
        this.postgres = postgres;
        this.driverSavepoints = driverSavepoints;
    }

    /** @param connection the driver's, or a pool's over it */
    void send(Connection connection, String sql) throws SQLException {
        driverSavepoints.without(() -> {
            try (Statement statement = undescribed(connection)) {
                return statement.execute(sql);
            }
        });
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
