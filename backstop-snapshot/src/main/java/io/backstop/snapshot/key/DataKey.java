package io.backstop.snapshot.key;

import javax.crypto.AEADBadTagException;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.SecureRandom;

/**
 * The key of one snapshot. Each object is encrypted with AES-256-GCM under a key of its own, derived from this one and a
 * random salt, in segments numbered by their nonce of which the last is marked, so that no nonce is used twice under a key
 * and no segment can be moved, left out or cut off. Immutable, thread-safe.
 */
public final class DataKey {
    private static final int BYTES = 32;
    private static final int SALT = 16;
    private static final byte[] MAGIC = {'B', 'K', 'S', 1};

    static final int HEAD = MAGIC.length + SALT;
    static final int SEGMENT = 64 << 10;

    private static final SecureRandom RANDOM = new SecureRandom();

    private final byte[] secret;

    private DataKey(byte[] secret) {
        this.secret = secret;
    }

    /** A new one, from the system's random numbers. */
    public static DataKey generate() {
        return new DataKey(random(BYTES));
    }

    /** The one that was wrapped for the context. */
    public static DataKey unwrap(KeyProvider key, byte[] wrapped, String context) throws IOException {
        byte[] secret = key.unwrap(wrapped, context);
        if (secret.length != BYTES) {
            throw new KeyException("the key " + key.id() + " gave back no data key", "see which key service answers");
        }
        return new DataKey(secret);
    }

    /** Wraps it, to be stored. */
    public byte[] wrap(KeyProvider key, String context) throws IOException {
        return key.wrap(secret.clone(), context);
    }

    /** Whether both are one key. */
    public boolean isSameAs(DataKey other) {
        return MessageDigest.isEqual(secret, other.secret);
    }

    /** How many bytes encryption adds to so many at most. */
    public static int overhead(int bytes) {
        return HEAD + AesGcm.TAG * Math.max(1, (bytes + SEGMENT - 1) / SEGMENT);
    }

    /** How many bytes were encrypted, where so many came out. */
    public static long plainBytes(long sealed) {
        long body = Math.max(0, sealed - HEAD);
        long segments = Math.max(1, (body + SEGMENT + AesGcm.TAG - 1) / (SEGMENT + AesGcm.TAG));
        return Math.max(0, body - segments * AesGcm.TAG);
    }

    /**
     * Encrypts. The content's array is written over where it has room, so that a large chunk is held once.
     *
     * @param context what the content is, and where it belongs
     */
    public ByteBuffer seal(ByteBuffer content, String context) {
        int length = content.remaining();
        int size = Math.addExact(length, overhead(length));
        byte[] source = content.array();
        int from = content.arrayOffset() + content.position();
        byte[] target = from == 0 && source.length >= size ? source : new byte[size];
        byte[] salt = random(SALT);
        AesGcm cipher = cipher(salt, context);
        byte[] piece = new byte[SEGMENT + AesGcm.TAG];
        int last = Math.max(0, (length - 1) / SEGMENT);
        // From the end on: in one array, a segment moves to the right, over those that are done.
        for (int i = last; i >= 0; i--) {
            int offset = i * SEGMENT;
            int count = cipher.encrypt(
                    nonce(i, i == last), source, from + offset, Math.min(SEGMENT, length - offset), piece, 0);
            System.arraycopy(piece, 0, target, HEAD + i * piece.length, count);
        }
        System.arraycopy(MAGIC, 0, target, 0, MAGIC.length);
        System.arraycopy(salt, 0, target, MAGIC.length, SALT);
        return ByteBuffer.wrap(target, 0, size);
    }

    /**
     * Decrypts what is written to it. What the target has received counts only once {@link DecryptingStream#finish} has
     * returned.
     *
     * @param bytes how many encrypted bytes there will be
     */
    public DecryptingStream opening(OutputStream target, long bytes, String context) {
        return new DecryptingStream(salt -> cipher(salt, context), target, bytes);
    }

    /** Encrypts a short text with a nonce of its own. */
    public byte[] sealText(byte[] content, String context) {
        ByteBuffer sealed = seal(ByteBuffer.wrap(content.clone()), context);
        byte[] bytes = new byte[sealed.remaining()];
        sealed.get(bytes);
        return bytes;
    }

    /** Authenticates a manifest. */
    public byte[] mac(byte[] content) {
        return Hkdf.hmac(Hkdf.derive(secret, MAGIC, "backstop manifest"), content);
    }

    private AesGcm cipher(byte[] salt, String context) {
        return new AesGcm(Hkdf.derive(secret, salt, "backstop object"), context);
    }

    static byte[] nonce(long segment, boolean last) {
        return ByteBuffer.allocate(AesGcm.NONCE)
                .putLong(segment)
                .putInt(last ? 1 : 0)
                .array();
    }

    static byte[] random(int bytes) {
        byte[] random = new byte[bytes];
        RANDOM.nextBytes(random);
        return random;
    }

    static byte[] magic() {
        return MAGIC.clone();
    }

    /** Makes the cipher of an object, once its salt is known. */
    @FunctionalInterface
    interface Ciphers {
        AesGcm of(byte[] salt);
    }

    /** Says that what was decrypted is not what was encrypted. */
    static IOException changed(AEADBadTagException cause) {
        return new ChangedContentException(cause);
    }
}
