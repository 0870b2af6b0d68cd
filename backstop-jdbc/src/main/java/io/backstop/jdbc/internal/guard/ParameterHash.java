package io.backstop.jdbc.internal.guard;

import io.backstop.jdbc.internal.digest.Sha256Digest;
import org.postgresql.util.PGobject;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.Array;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.temporal.Temporal;
import java.util.ArrayList;
import java.util.Calendar;
import java.util.Comparator;
import java.util.Date;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** The hash of a bound value: equal for values that the server gets alike, and telling nothing of the value. Stateless. */
final class ParameterHash {
    private ParameterHash() {}

    private static final int LONGEST_TEXT = 200;

    /** The hash of a value that was hashed when it was bound, and the value for people. */
    static final class Hashed {
        private final byte[] bytes;
        private final String text;

        Hashed(byte[] bytes, String text) {
            this.bytes = bytes;
            this.text = text;
        }

        byte[] bytes() {
            return bytes;
        }
    }

    /** A value that stays as it is, or was hashed, as people read it; a long one cut. */
    static String text(Object kept) {
        if (kept == null) {
            return "NULL";
        }
        if (kept instanceof Hashed hashed) {
            return hashed.text;
        }
        if (kept instanceof byte[] bytes) {
            return bytes.length + " bytes";
        }
        if (kept instanceof PGobject object) { // a copy, as GuardedValues makes it
            return text((Object) object.getValue());
        }
        if (kept.getClass().isArray()) {
            return "an array";
        }
        if (kept instanceof Map || !kept.getClass().getName().startsWith("java.")) {
            return "(a " + kept.getClass().getName() + ")"; // it may tell the driver something else
        }
        String text = kept.toString();
        return text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT) + "…";
    }

    /**
     * Whether the value can be hashed when the hash is asked for: nobody can change it, so that it is still what the driver
     * sends then.
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
                || value instanceof UUID
                || value instanceof LocalDate
                || value instanceof LocalDateTime
                || value instanceof OffsetDateTime;
    }

    /** The hash of a value that stays as it is, or that was hashed. */
    static Hashed hashed(Object kept) {
        return kept instanceof Hashed hashed ? hashed : new Hashed(of(kept).orElseThrow(), text(kept));
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
            return of("bytes", HexFormat.of().formatHex(bytes));
        }
        if (value instanceof CharSequence || value instanceof Character) {
            return text("text", value);
        }
        if (value instanceof Number || value instanceof Boolean) {
            return text(value.getClass().getName(), value); // its type decides which function is called
        }
        if (value instanceof Calendar calendar) {
            return text(
                    "time", calendar.toInstant() + " " + calendar.getTimeZone().getID());
        }
        if (value instanceof Timestamp timestamp) {
            return text("timestamp", timestamp.getTime() + "." + timestamp.getNanos() + " " + zone());
        }
        if (value instanceof Date date) {
            return text(date.getClass().getName(), date.getTime() + " " + zone());
        }
        if (value instanceof Temporal || value instanceof UUID || value instanceof ZoneId) {
            return text("time", value);
        }
        if (value instanceof PGobject object) {
            return of("object", object.getType(), object.getValue(), object.toString());
        }
        if (value instanceof Enum<?> constant) {
            return text("text", constant.toString()); // which pgjdbc sends
        }
        if (value instanceof Array array) {
            return of("array", baseType(array), array.toString());
        }
        if (value instanceof Map<?, ?> map) {
            return map(map);
        }
        if (value.getClass().isArray()) {
            return elements(value);
        }
        return Optional.empty();
    }

    /** The driver sends the digits of this zone. */
    private static String zone() {
        return ZoneId.systemDefault().getId();
    }

    /** Each by itself, so that no element can look like two. */
    private static Optional<byte[]> elements(Object array) {
        Object[] parts = new Object[java.lang.reflect.Array.getLength(array) + 1];
        parts[0] = "elements " + array.getClass().getName();
        for (int i = 1; i < parts.length; i++) {
            parts[i] = java.lang.reflect.Array.get(array, i - 1);
        }
        return of(parts);
    }

    private static Optional<byte[]> map(Map<?, ?> map) {
        List<Object> parts = new ArrayList<>();
        parts.add("map");
        map.entrySet().stream()
                .sorted(Comparator.comparing(entry -> String.valueOf(entry.getKey())))
                .forEach(entry -> {
                    parts.add(entry.getKey());
                    parts.add(entry.getValue());
                });
        return of(parts.toArray());
    }

    private static String baseType(Array array) {
        try {
            return String.valueOf(array.getBaseTypeName());
        } catch (SQLException e) {
            return ""; // it tells its elements all the same
        }
    }

    private static Optional<byte[]> text(String kind, Object value) {
        return Optional.of((kind + '\0' + value).getBytes(StandardCharsets.UTF_8));
    }
}
