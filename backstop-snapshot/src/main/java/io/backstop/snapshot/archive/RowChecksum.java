package io.backstop.snapshot.archive;

import io.backstop.snapshot.store.Sha256;

import java.security.MessageDigest;
import java.util.HexFormat;

/**
 * A checksum over rows that does not depend on their order, so that rows read in another order, or after a restore, give
 * the same one. Not thread-safe; parts made in several threads are put together with {@link #add(RowChecksum)}.
 *
 * <p>The algorithm, which is part of the snapshot format:
 *
 * <ol>
 *   <li>A row is the bytes that {@code COPY … TO STDOUT} writes for it in the snapshot's format: in text without the
 *       newline at its end, in binary from its count of fields on; under the session settings of a capture (see {@code
 *       docs/adr/0007-order-independent-row-checksum.md}).
 *   <li>The row's hash is the first 16 bytes of the SHA-256 of these bytes, taken as an unsigned big-endian number.
 *   <li>The checksum is the sum of all rows' hashes modulo 2<sup>128</sup>, written as 32 lower-case hexadecimal digits.
 *       That of no rows is 32 zeroes. Equal rows count as often as they occur.
 * </ol>
 */
public final class RowChecksum {
    private final MessageDigest sha256 = Sha256.digest();
    private final byte[] hash = new byte[32];
    private long high;
    private long low;

    /** Adds a row: its bytes as above. */
    public void add(byte[] row, int offset, int length) {
        part(row, offset, length);
        endOfRow();
    }

    /** Takes the next bytes of a row that is not held as a whole. */
    public void part(byte[] row, int offset, int length) {
        sha256.update(row, offset, length);
    }

    /** Adds the row whose bytes were taken. */
    public void endOfRow() {
        Sha256.finish(sha256, hash);
        add(longAt(0), longAt(8));
    }

    /** Adds all rows of another checksum. */
    public void add(RowChecksum other) {
        add(other.high, other.low);
    }

    private void add(long addedHigh, long addedLow) {
        long sum = low + addedLow;
        long carry = Long.compareUnsigned(sum, low) < 0 ? 1 : 0;
        low = sum;
        high += addedHigh + carry;
    }

    private long longAt(int offset) {
        long value = 0;
        for (int i = offset; i < offset + 8; i++) {
            value = (value << 8) | (hash[i] & 0xff);
        }
        return value;
    }

    /** The checksum of the rows so far: 32 lower-case hexadecimal digits. */
    public String hex() {
        return HexFormat.of().toHexDigits(high) + HexFormat.of().toHexDigits(low);
    }
}
