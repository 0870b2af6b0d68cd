package io.backstop.snapshot.store;

import java.security.DigestException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256, which every Java platform has. */
public final class Sha256 {
    private Sha256() {}

    public static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this Java runtime has no SHA-256", e);
        }
    }

    public static String hex(byte[] content) {
        return HexFormat.of().formatHex(digest().digest(content));
    }

    /** Completes the hash into an array of 32 bytes, without one more array for each row. */
    public static void finish(MessageDigest digest, byte[] target) {
        try {
            digest.digest(target, 0, target.length);
        } catch (DigestException e) {
            throw new IllegalStateException("32 bytes are not enough for SHA-256", e);
        }
    }
}
