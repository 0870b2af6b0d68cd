package io.backstop.snapshot.rows;

import java.io.IOException;

/**
 * Takes rows as COPY writes them: in text with the newline at their end. A row comes whole, or where it is large, in parts
 * that together are the same bytes. What it is given is valid until it returns. Used by one thread.
 */
public interface RowReceiver {
    /** Needs no rows. */
    RowReceiver NONE = new RowReceiver() {
        @Override
        public void row(byte[] source, int offset, int length) {}

        @Override
        public void part(byte[] source, int offset, int length) {}

        @Override
        public void endOfRow() {}
    };

    /** A whole row. */
    void row(byte[] source, int offset, int length) throws IOException;

    /** The next bytes of a large row. */
    void part(byte[] source, int offset, int length) throws IOException;

    /** Ends the large row whose parts were given. */
    void endOfRow() throws IOException;
}
