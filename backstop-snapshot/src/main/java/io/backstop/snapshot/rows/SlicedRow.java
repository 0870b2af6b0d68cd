package io.backstop.snapshot.rows;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.snapshot.archive.CopyFormat;
import io.backstop.snapshot.archive.CopyMessageRows;
import io.backstop.snapshot.archive.CopyMessages;
import io.backstop.snapshot.archive.RowChecksum;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.SQLException;

/**
 * Reads one row value by value, each in slices, and gives on the bytes that COPY would write for the whole row. Holds one
 * slice. Used once, by one thread.
 */
final class SlicedRow {
    /** The most that the server gives a tuple or a line, less what the tuple itself takes (memutils.h, MaxAllocSize). */
    private static final long LONGEST = 0x3fff_ffffL - 128;

    /** What the tuple takes for each value besides its bytes: its length and its alignment. */
    private static final int AROUND = 12;

    private static final int NULL = -1;

    private final Connection connection;
    private final RowStatements statements;
    private final String condition;
    private final RowChecksum checksum;
    private final RowReceiver receiver;
    private long size;

    /** @param place the row's {@code ctid} */
    SlicedRow(
            Connection connection, RowStatements statements, String place, RowChecksum checksum, RowReceiver receiver) {
        this.connection = connection;
        this.statements = statements;
        this.condition = "ctid = '" + place + "'::pg_catalog.tid";
        this.checksum = checksum;
        this.receiver = receiver;
    }

    void read() throws SQLException, IOException {
        if (statements.format() == CopyFormat.BINARY) {
            give(ByteBuffer.allocate(2)
                    .putShort((short) statements.columns().size())
                    .array());
        }
        boolean first = true;
        for (ColumnWidth column : statements.columns()) {
            if (!first && statements.format() == CopyFormat.TEXT) {
                give('\t');
            }
            first = false;
            read(column);
        }
        checksum.endOfRow();
        if (statements.format() == CopyFormat.TEXT) {
            receiver.part(new byte[] {'\n'}, 0, 1);
        }
        receiver.endOfRow();
    }

    private void read(ColumnWidth column) throws SQLException, IOException {
        Value value = new Value(column);
        try {
            CopyMessages.read(connection, statements.slices(column, condition), value::message);
        } catch (SQLException e) {
            throw Unwritable.is(e) ? Unwritable.value(statements.table(), column, e) : e;
        }
        value.finish();
    }

    private void give(char character) throws IOException {
        give(new byte[] {(byte) character});
    }

    private void give(byte[] bytes) throws IOException {
        give(bytes, 0, bytes.length);
    }

    private void give(byte[] bytes, int offset, int length) throws IOException {
        checksum.part(bytes, offset, length);
        receiver.part(bytes, offset, length);
    }

    /** One value while it comes. */
    private final class Value {
        private final ColumnWidth column;
        private final CopyMessageRows slices = new CopyMessageRows(CopyFormat.BINARY);
        private boolean begun;
        private long left;

        Value(ColumnWidth column) {
            this.column = column;
        }

        void message(byte[] message) throws IOException, RecoveryNotReadyException {
            if (!slices.next(message)) {
                return;
            }
            ByteBuffer fields = ByteBuffer.wrap(message, slices.offset() + 2, slices.length() - 2);
            int length = fields.getInt() == NULL ? NULL : fields.getInt();
            int slice = fields.getInt();
            if (!begun) {
                begun = true;
                left = Math.max(length, 0);
                begin(length);
            }
            if (slice > 0) {
                left -= slice;
                write(message, fields.position(), slice);
            }
        }

        private void begin(int length) throws IOException, RecoveryNotReadyException {
            add(Math.max(length, 0) + AROUND);
            switch (statements.format()) {
                case BINARY -> give(ByteBuffer.allocate(4).putInt(length).array());
                case TEXT -> {
                    if (length == NULL) {
                        give('\\');
                        give('N');
                    }
                }
            }
        }

        private void write(byte[] message, int offset, int length) throws IOException, RecoveryNotReadyException {
            switch (statements.format()) {
                case BINARY -> give(message, offset, length);
                case TEXT -> {
                    byte[] escaped = CopyEscapes.escaped(message, offset, length);
                    add(escaped.length - length);
                    give(escaped);
                }
            }
        }

        private void add(long more) throws RecoveryNotReadyException {
            size += more;
            if (size > LONGEST) {
                throw Unwritable.row(statements.table(), column);
            }
        }

        void finish() throws IOException {
            if (!begun || left != 0) {
                throw new IOException("a large row of table " + statements.table() + " was not read whole");
            }
        }
    }
}
