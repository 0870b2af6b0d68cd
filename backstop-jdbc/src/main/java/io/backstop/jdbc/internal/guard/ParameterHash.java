package io.backstop.jdbc.internal.guard;

import io.backstop.jdbc.internal.digest.Sha256Digest;
import org.postgresql.util.PGobject;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.Array;
import java.sql.Timestamp;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.temporal.Temporal;
import java.util.Arrays;
import java.util.Calendar;
import java.util.Date;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;

/** The hash of a bound value: equal for values that the server gets alike, and telling nothing of the value. Stateless. */
final class ParameterHash {
    private ParameterHash() {}

    /** The hash of a value that was hashed when it was bound. */
    static final class Hashed {
        private final byte[] bytes;

        Hashed(byte[] bytes) {
            this.bytes = bytes;
        }

        byte[] bytes() {
            return bytes;
        }
    }

    /**
     * Whether the value can be hashed when the hash is asked for: it is still what the driver sends then. So is an array of
     * bytes, which the driver itself reads only when it sends it.
     */
    static boolean staysAsItIs(Object value) {
        return value instanceof String
                || value instanceof Integer
                || value instanceof Long
                || value instanceof Short
                || value instanceof Byte
                || value instanceof Double
                || value instanceof Float
                || value instanceof Boolean
                || value instanceof byte[]
                || value instanceof UUID
                || value instanceof LocalDate
                || value instanceof LocalDateTime
                || value instanceof OffsetDateTime;
    }

    /** The hash of a value that stays as it is, or that was hashed. */
    static Hashed hashed(Object kept) {
        return kept instanceof Hashed hashed ? hashed : new Hashed(of(kept).orElseThrow());
    }

    /** The hash over all parts; empty where one is of a kind that cannot be read twice or told apart. */
    static Optional<byte[]> of(Object... parts) {
        MessageDigest digest = Sha256Digest.start();
        for (Object part : parts) {
            Optional<byte[]> bytes = bytes(part);
            if (bytes.isEmpty()) {
                return Optional.empty();
            }
            digest.update(Sha256Digest.start()
                    .digest(bytes.get())); // of equal length each, so that parts cannot run together
        }
        return Optional.of(digest.digest());
    }

    @SuppressWarnings("JavaUtilDate") // JDBC's own types, whose toString leaves the milliseconds of a Time out
    private static Optional<byte[]> bytes(Object value) {
        if (value == null) {
            return text("null", "");
        }
        if (value instanceof byte[] bytes) {
            return Optional.of(bytes);
        }
        if (value instanceof CharSequence || value instanceof Character) {
            return text("text", value);
        }
        if (value instanceof Number || value instanceof Boolean) {
            return text("value", value);
        }
        if (value instanceof Calendar calendar) {
            return text(
                    "time", calendar.toInstant() + " " + calendar.getTimeZone().getID());
        }
        if (value instanceof Timestamp timestamp) {
            return text("timestamp", timestamp.getTime() + "." + timestamp.getNanos());
        }
        if (value instanceof Date date) {
            return text(date.getClass().getName(), date.getTime());
        }
        if (value instanceof Temporal || value instanceof UUID || value instanceof ZoneId) {
            return text("time", value);
        }
        if (value instanceof PGobject object) {
            return text(object.getType(), object.getValue());
        }
        if (value instanceof Enum<?> constant) {
            return text("text", constant.name());
        }
        if (value instanceof Array array) {
            return text("array", array);
        }
        if (value instanceof Map<?, ?> map) {
            return text("map", new TreeMap<>(map));
        }
        if (value.getClass().isArray()) {
            return text("array", Arrays.deepToString(new Object[] {value}));
        }
        return Optional.empty();
    }

    private static Optional<byte[]> text(String kind, Object value) {
        return Optional.of((kind + '\0' + value).getBytes(StandardCharsets.UTF_8));
    }
}
