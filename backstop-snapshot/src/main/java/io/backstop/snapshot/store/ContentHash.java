package io.backstop.snapshot.store;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HexFormat;

/** The SHA-256 of an object's content. Immutable. */
public final class ContentHash {
    private final byte[] bytes;

    private ContentHash(byte[] bytes) {
        this.bytes = bytes;
    }

    /** Hashes the remaining part of a buffer, and leaves the buffer as it is. */
    public static ContentHash of(ByteBuffer content) {
        MessageDigest digest = Sha256.digest();
        digest.update(content.duplicate());
        return new ContentHash(digest.digest());
    }

    /** @throws IllegalArgumentException where the text is not Base64 */
    public static ContentHash ofBase64(String text) {
        return new ContentHash(Base64.getDecoder().decode(text));
    }

    /** As manifests write it. */
    public String hex() {
        return HexFormat.of().formatHex(bytes);
    }

    /** As S3 writes it. */
    public String base64() {
        return Base64.getEncoder().encodeToString(bytes);
    }
}
