package io.backstop.snapshot.archive;

import org.postgresql.PGConnection;
import org.postgresql.copy.CopyOut;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;

/** The messages of a {@code COPY … TO STDOUT}, as the server sends them. Stateless. */
public final class CopyMessages {
    /** query_canceled (PostgreSQL documentation, appendix A). */
    private static final String CANCELLED = "57014";

    private CopyMessages() {}

    /**
     * Hands each message to the reader. Where the reader fails the COPY is cancelled: a rollback would wait for its end. After
     * an {@link Error}, which may have come within a message, nobody knows where in the stream the driver is, so the connection
     * is given up.
     *
     * @return how many rows the server says that it sent
     */
    public static long read(Connection connection, String sql, Reader reader) throws SQLException, IOException {
        PGConnection postgres = connection.unwrap(PGConnection.class);
        CopyOut copy = postgres.getCopyAPI().copyOut(sql);
        try {
            for (byte[] message = copy.readFromCopy(); message != null; message = copy.readFromCopy()) {
                reader.message(message);
            }
        } catch (Error e) {
            connection.abort(Runnable::run);
            throw e;
        } catch (SQLException | IOException | RuntimeException e) {
            cancelAfter(postgres, copy, e);
            throw e;
        }
        return copy.getHandledRowCount();
    }

    /** The driver's own way leaves the answer to the COPY behind, and every statement after it is given the one before. */
    private static void cancelAfter(PGConnection postgres, CopyOut copy, Exception problem) {
        try {
            if (copy.isActive()) {
                postgres.cancelQuery();
                while (copy.readFromCopy() != null) {
                    // on its way before the server heard of it
                }
            }
        } catch (SQLException e) {
            if (!CANCELLED.equals(e.getSQLState())) {
                problem.addSuppressed(e);
            }
        }
    }

    /** Takes the messages one by one. */
    @FunctionalInterface
    public interface Reader {
        void message(byte[] message) throws SQLException, IOException;
    }
}
