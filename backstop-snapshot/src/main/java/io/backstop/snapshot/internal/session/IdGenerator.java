package io.backstop.snapshot.internal.session;

import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Makes names that nobody has made before: a prefix and sixteen hexadecimal digits. Snapshots begin with the first eight digits
 * of their group, so that those of one are found by their names. Thread-safe.
 */
public final class IdGenerator {
    private static final int SHARED = 8;

    private final SecureRandom random = new SecureRandom();
    private final AtomicInteger last = new AtomicInteger(random.nextInt());

    public String groupId() {
        return "grp_" + HexFormat.of().toHexDigits(random.nextLong());
    }

    /** @param groupId made by this generator */
    public String snapshotId(String groupId) {
        int digits = groupId.indexOf('_') + 1;
        return "snap_" + groupId.substring(digits, digits + SHARED)
                + HexFormat.of().toHexDigits(last.incrementAndGet());
    }
}
