package io.backstop.jdbc.internal.pipeline.preview;

import org.postgresql.core.TransactionState;
import org.postgresql.jdbc.PgConnection;
import org.postgresql.jdbc.PreferQueryMode;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * A question that the planner takes for so costly that the server would compile it (PostgreSQL documentation, chapter 32): that
 * takes seconds, for an answer of a few milliseconds. The session's setting is the same afterwards. Where pgjdbc sends several
 * statements one by one, or has all of them parsed before the first runs, it is asked as it is. Used by one thread.
 *
 * @param statement takes the parameters
 * @param set which of its results are the rows of the question, from 1
 */
record UncompiledQuery(PreparedStatement statement, int set) implements AutoCloseable {
    private static final String OFF = "SELECT pg_catalog.set_config('jit', 'off', true); ";

    /** Asked in one round trip. Alone, the statements are a transaction, with which the setting ends. */
    static UncompiledQuery prepare(Connection connection, String query) throws SQLException {
        PgConnection postgres = connection.unwrap(PgConnection.class);
        if (postgres.getPreferQueryMode() == PreferQueryMode.SIMPLE || postgres.getForceBinary()) {
            return new UncompiledQuery(connection.prepareStatement(query), 1);
        }
        boolean alone = connection.getAutoCommit()
                && postgres.getQueryExecutor().getTransactionState() == TransactionState.IDLE;
        PreparedStatement prepared = connection.prepareStatement(
                alone
                        ? OFF + query
                        : "SAVEPOINT backstop_jit; " + OFF + query
                                + "; ROLLBACK TO SAVEPOINT backstop_jit; RELEASE SAVEPOINT backstop_jit");
        prepared.setFetchSize(0); // else the rollback would close what is left to fetch
        return new UncompiledQuery(prepared, 2);
    }

    /** The rows of the question itself. */
    ResultSet rows() throws SQLException {
        int sets = 0;
        for (boolean rows = statement.execute(); ; rows = statement.getMoreResults()) {
            sets += rows ? 1 : 0;
            if (sets == set) {
                return statement.getResultSet();
            }
        }
    }

    @Override
    public void close() throws SQLException {
        statement.close();
    }
}
