package io.backstop.snapshot.rows;

import io.backstop.api.analysis.RelationName;
import io.backstop.snapshot.archive.CopyFormat;
import io.backstop.snapshot.archive.CopyMessageRows;
import io.backstop.snapshot.archive.CopyMessages;
import io.backstop.snapshot.archive.RowChecksum;
import io.backstop.snapshot.internal.session.CallerSession;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/**
 * Reads a table's own rows as COPY writes them, with one message of at most some {@value #LARGE} bytes in memory. pgjdbc reads
 * a message whole, and COPY sends a row in one; so the server looks first how large a row is, and large ones are read value
 * by value, in slices. Of a row it gives the same bytes either way. The transaction that it is used in has the settings of a
 * capture, and nobody may write to the table meanwhile. Immutable, thread-safe.
 */
public final class TableRows {
    /** How many bytes of values make a row large. */
    public static final int LARGE = 4 << 20;

    private static final int SLICE = 1 << 20;

    private static final String SAVEPOINT = "backstop_rows";

    private final RowStatements statements;

    /**
     * @param columns whose values are read, in this order
     * @param encoding of the database
     */
    public TableRows(
            RelationName table, List<String> columns, ColumnWidths widths, CopyFormat format, String encoding) {
        this(table, columns, widths, format, encoding, LARGE, SLICE);
    }

    TableRows(
            RelationName table,
            List<String> columns,
            ColumnWidths widths,
            CopyFormat format,
            String encoding,
            int large,
            int sliceBytes) {
        this.statements = new RowStatements(
                table, columns.stream().map(widths::of).toList(), format, encoding, widths.stored(), large, sliceBytes);
    }

    /**
     * Reads all rows, or those of which the condition is true; large ones after the others.
     *
     * @param condition in SQL; empty for all rows
     * @param checksum to which each row is added
     * @return how many rows were read
     * @throws io.backstop.api.error.RecoveryNotReadyException where the server cannot write a value, which is named
     */
    public long read(Connection connection, String condition, RowChecksum checksum, RowReceiver receiver)
            throws SQLException, IOException {
        if (!statements.mayBeLarge()) {
            return copy(
                    connection,
                    condition.isEmpty() ? statements.whole() : statements.where(condition),
                    checksum,
                    receiver);
        }
        CallerSession session = new CallerSession(connection);
        long rows = notLarge(session, condition, checksum, receiver);
        for (String place : session.rows(RowStatements.places(), row -> row.getString(1))) {
            new SlicedRow(connection, statements, place, checksum, receiver).read();
            rows++;
        }
        return rows;
    }

    private long notLarge(CallerSession session, String condition, RowChecksum checksum, RowReceiver receiver)
            throws SQLException, IOException {
        if (!statements.isMeasured()) {
            session.value(RowStatements.noPlaces());
            return copy(session.connection(), statements.notLarge(condition), checksum, receiver);
        }
        session.execute("SAVEPOINT " + SAVEPOINT);
        session.value(RowStatements.noPlaces());
        try {
            long rows = copy(session.connection(), statements.notLarge(condition), checksum, receiver);
            session.execute("RELEASE SAVEPOINT " + SAVEPOINT);
            return rows;
        } catch (SQLException e) {
            throw Unwritable.is(e) ? named(session, condition, e) : e;
        }
    }

    private long copy(Connection connection, String sql, RowChecksum checksum, RowReceiver receiver)
            throws SQLException, IOException {
        WholeRows rows = new WholeRows(checksum, receiver);
        long sent = CopyMessages.read(connection, sql, rows::message);
        if (sent != rows.count) {
            throw new IOException("the server sent " + sent + " rows and " + rows.count + " came");
        }
        return sent;
    }

    /** The same failure with the name of the column whose value it is about. */
    private SQLException named(CallerSession session, String condition, SQLException failure) {
        try {
            for (ColumnWidth column : statements.measured()) {
                session.execute("ROLLBACK TO SAVEPOINT " + SAVEPOINT);
                try {
                    session.execute(statements.writeAll(column, condition));
                } catch (SQLException e) {
                    if (Unwritable.is(e)) {
                        return Unwritable.value(statements.table(), column, e);
                    }
                    throw e;
                }
            }
        } catch (SQLException e) {
            failure.addSuppressed(e);
        }
        return failure;
    }

    /** What one COPY gives. */
    private final class WholeRows {
        private final CopyMessageRows rows = new CopyMessageRows(statements.format());
        private final RowChecksum checksum;
        private final RowReceiver receiver;
        private long count;

        WholeRows(RowChecksum checksum, RowReceiver receiver) {
            this.checksum = checksum;
            this.receiver = receiver;
        }

        void message(byte[] message) throws IOException {
            if (rows.next(message)) {
                count++;
                rows.addTo(checksum, message);
                receiver.row(message, rows.offset(), rows.length());
            }
        }
    }
}
