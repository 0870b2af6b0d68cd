package io.backstop.snapshot.key;

import java.io.IOException;

/**
 * Wraps the data keys of snapshots under a key that does not leave its place: a file, or a key service.
 * Implementations are thread-safe, and no message of theirs holds key material.
 */
public interface KeyProvider {
    /** The longest id. */
    int LONGEST_ID = 40;

    /** What tells this key from others: lower-case letters and digits, at most {@value #LONGEST_ID}. */
    String id();

    /**
     * Wraps a data key.
     *
     * @param context is not kept, and has to be the same when the key is unwrapped
     * @throws IOException where the key cannot be used at present
     */
    byte[] wrap(byte[] dataKey, String context) throws IOException;

    /**
     * Gives a data key back.
     *
     * @throws KeyException where it was wrapped under another key or for another context, or has changed
     * @throws IOException where the key cannot be used at present
     */
    byte[] unwrap(byte[] wrapped, String context) throws IOException;
}
