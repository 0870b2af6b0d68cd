package io.backstop.snapshot.internal.session;

import java.security.SecureRandom;
import java.util.HexFormat;

/** Makes names that nobody has made before: a prefix and sixteen hexadecimal digits. Thread-safe. */
public final class IdGenerator {
    private static final int BYTES = 8;

    private final SecureRandom random = new SecureRandom();

    public String snapshotId() {
        return next("snap_");
    }

    public String groupId() {
        return next("grp_");
    }

    private String next(String prefix) {
        byte[] bytes = new byte[BYTES];
        random.nextBytes(bytes);
        return prefix + HexFormat.of().formatHex(bytes);
    }
}
