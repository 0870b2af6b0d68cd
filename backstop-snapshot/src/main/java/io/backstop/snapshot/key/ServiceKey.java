package io.backstop.snapshot.key;

import io.backstop.snapshot.store.Sha256;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * A key that does not leave its service. What the service encrypts is the data key and a digest of what it is for, so that a
 * data key which was wrapped for another snapshot is found out whatever the service itself keeps of it. Implementations are
 * thread-safe, and no message of theirs holds what they encrypt or decrypt.
 */
public abstract class ServiceKey implements KeyProvider {
    private static final int BYTES = 32;
    private static final int ID_DIGITS = 16;

    private final String id;

    /**
     * @param kind what the id begins with, a few lower-case letters
     * @param name the service's name of the key. The id is made of it: the same key under another name is another key
     */
    protected ServiceKey(String kind, String name) {
        this.id = kind + HexFormat.of().formatHex(sha256(name)).substring(0, ID_DIGITS);
    }

    @Override
    public final String id() {
        return id;
    }

    @Override
    public final byte[] wrap(byte[] dataKey, String context) throws IOException {
        if (dataKey.length != BYTES) {
            throw new IllegalArgumentException("a data key has " + BYTES + " bytes, not " + dataKey.length);
        }
        byte[] bound = Arrays.copyOf(dataKey, 2 * BYTES);
        System.arraycopy(purpose(context), 0, bound, BYTES, BYTES);
        return encrypt(bound, context);
    }

    @Override
    public final byte[] unwrap(byte[] wrapped, String context) throws IOException {
        byte[] bound = decrypt(wrapped, context);
        if (bound.length != 2 * BYTES
                || !MessageDigest.isEqual(Arrays.copyOfRange(bound, BYTES, 2 * BYTES), purpose(context))) {
            throw notItsOwn();
        }
        return Arrays.copyOf(bound, BYTES);
    }

    /** To be thrown where the service says that the key did not encrypt this, or it was changed. */
    protected final KeyException notItsOwn() {
        return new KeyException(
                "the stored data key is not one that the key " + id + " wrapped for this snapshot",
                "bring the object back from the storage's own versions");
    }

    /**
     * Has the service encrypt it.
     *
     * @throws KeyException where the service refuses, and would again
     * @throws IOException where it cannot be asked at present
     */
    protected abstract byte[] encrypt(byte[] plaintext, String context) throws IOException;

    /**
     * Has the service decrypt it.
     *
     * @throws KeyException where the service refuses, and would again
     * @throws IOException where it cannot be asked at present
     */
    protected abstract byte[] decrypt(byte[] ciphertext, String context) throws IOException;

    private byte[] purpose(String context) {
        return sha256("backstop data key\n" + id + "\n" + context);
    }

    private static byte[] sha256(String text) {
        return Sha256.digest().digest(text.getBytes(StandardCharsets.UTF_8));
    }
}
