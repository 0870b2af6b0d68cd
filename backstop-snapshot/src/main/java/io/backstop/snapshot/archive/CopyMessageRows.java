package io.backstop.snapshot.archive;

import java.io.IOException;
import java.util.Arrays;

/**
 * Finds the row in each message that the server sends for {@code COPY … TO STDOUT}, and makes sure that it is one whole
 * row, because chunks and checksums are made of rows. Takes the messages of one COPY, in their order. Not thread-safe.
 */
public final class CopyMessageRows {
    private final CopyFormat format;
    private boolean begun;
    private boolean ended;
    private int offset;
    private int length;

    public CopyMessageRows(CopyFormat format) {
        this.format = format;
    }

    /**
     * Looks at the next message.
     *
     * @return whether there is a row in it: in binary the last one holds none
     * @throws IOException where it is not one whole row
     */
    public boolean next(byte[] message) throws IOException {
        return switch (format) {
            case TEXT -> nextLine(message);
            case BINARY -> nextTuple(message);
        };
    }

    private boolean nextLine(byte[] message) throws IOException {
        if (message.length == 0 || message[message.length - 1] != '\n') {
            throw unexpected();
        }
        offset = 0;
        length = message.length;
        return true;
    }

    /** The first message has the header before its row; the last has the trailer alone, or both where there are no rows. */
    private boolean nextTuple(byte[] message) throws IOException {
        int position = 0;
        if (!begun) {
            byte[] head = format.head();
            if (message.length < head.length || !Arrays.equals(message, 0, head.length, head, 0, head.length)) {
                throw unexpected();
            }
            position = head.length;
            begun = true;
            if (position == message.length) {
                return false;
            }
        }
        if (ended || message.length - position < 2) {
            throw unexpected();
        }
        offset = position;
        length = message.length - position;
        int fields = (message[position] << 8) | (message[position + 1] & 0xff);
        if (fields == -1 && length == 2) {
            ended = true;
            return false;
        }
        requireWhole(message, fields);
        return true;
    }

    private void requireWhole(byte[] message, int fields) throws IOException {
        long position = offset + 2L;
        for (int i = 0; i < fields && position + 4 <= message.length; i++) {
            int size = intAt(message, (int) position);
            position += 4 + Math.max(size, 0);
        }
        if (fields < 0 || position != message.length) {
            throw unexpected();
        }
    }

    private static int intAt(byte[] bytes, int position) {
        return (bytes[position] << 24)
                | ((bytes[position + 1] & 0xff) << 16)
                | ((bytes[position + 2] & 0xff) << 8)
                | (bytes[position + 3] & 0xff);
    }

    private static IOException unexpected() {
        return new IOException("the server sent something else than one row at a time");
    }

    /** Where the row of the last message begins in it. */
    public int offset() {
        return offset;
    }

    /** How many bytes the row has, as it is stored. */
    public int length() {
        return length;
    }

    /** Adds the row of the last message. */
    public void addTo(RowChecksum checksum, byte[] message) {
        checksum.add(message, offset, format == CopyFormat.TEXT ? length - 1 : length);
    }
}
