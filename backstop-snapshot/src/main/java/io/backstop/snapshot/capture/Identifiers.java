package io.backstop.snapshot.capture;

import java.security.SecureRandom;
import java.util.HexFormat;

/** Makes names that nobody has made before: a prefix and sixteen hexadecimal digits. Thread-safe. */
final class Identifiers {
    private static final int BYTES = 8;

    private final SecureRandom random = new SecureRandom();

    String snapshot() {
        return next("snap_");
    }

    String group() {
        return next("grp_");
    }

    String probe() {
        return next("probe_");
    }

    private String next(String prefix) {
        byte[] bytes = new byte[BYTES];
        random.nextBytes(bytes);
        return prefix + HexFormat.of().formatHex(bytes);
    }
}
