package io.backstop.store.s3;

import io.backstop.snapshot.store.StorageAddressException;
import software.amazon.awssdk.services.s3.model.ObjectLockMode;

import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The lock that an address asks for: {@code ?lock=governance:30d} or {@code ?lock=compliance:30d}. Immutable, thread-safe.
 *
 * @param mode whether somebody with a permission of its own may end it before its time
 * @param days for how many an object is locked from when it is stored
 */
record LockSetting(ObjectLockMode mode, int days) {
    /** As many as S3 allows, a hundred years: a compliance lock of a slip of the finger is there to stay. */
    private static final int MOST_DAYS = 36_500;

    private static final Pattern WRITTEN = Pattern.compile("lock=(governance|compliance):([1-9][0-9]{0,5})d");

    /** @throws StorageAddressException where it is not written so */
    static LockSetting parse(String text) {
        Matcher parts = WRITTEN.matcher(text);
        if (!parts.matches()) {
            throw StorageAddressException.unusableLock(
                    "what the s3 storage address asks for after its question mark is not a lock");
        }
        int days = Integer.parseInt(parts.group(2));
        if (days > MOST_DAYS) {
            throw StorageAddressException.unusableLock(
                    "a lock of " + days + " days is longer than the " + MOST_DAYS + " that S3 allows");
        }
        return new LockSetting(ObjectLockMode.fromValue(parts.group(1).toUpperCase(Locale.ROOT)), days);
    }

    /** When the lock of an object ends that is stored now. */
    Instant until(Instant now) {
        return now.plus(Duration.ofDays(days));
    }

    /** For people: {@code governance, 30 days}. */
    String words() {
        return words(mode.toString(), days);
    }

    static String words(String mode, int days) {
        return mode.toLowerCase(Locale.ROOT) + ", " + days + (days == 1 ? " day" : " days");
    }
}
