package io.backstop.snapshot.archive;

import io.backstop.snapshot.store.Sha256;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Where the snapshots of a table lie: {@code snapshots/<schema>.<table>/}. Both names are percent-encoded in UTF-8 but
 * for {@code A-Z a-z 0-9 _ -}, so that the one dot is the one between them and nothing in a name can lead elsewhere. What
 * would be too long for a file's name is cut, and told apart by {@code =} and a hash of both names; the manifest has the
 * names in full.
 */
final class SnapshotFolder {
    static final String ROOT = "snapshots/";

    private static final int LONGEST = 200;
    private static final int HASH_DIGITS = 32;

    private static final Pattern OF_A_SNAPSHOT = Pattern.compile(ROOT + "[^/]+/snap_[^/]+/");

    private SnapshotFolder() {}

    /** Whether this is where the objects of one snapshot lie, and not those of a table or of somebody else. */
    static boolean isOfASnapshot(String folder) {
        return OF_A_SNAPSHOT.matcher(folder).matches();
    }

    /** The folder of one table, with a slash at its end. */
    static String of(String schema, String table) {
        String name = encode(schema) + "." + encode(table);
        if (name.length() > LONGEST) {
            String hash = Sha256.hex(name.getBytes(StandardCharsets.US_ASCII)).substring(0, HASH_DIGITS);
            name = cut(name, LONGEST - HASH_DIGITS - 1) + "=" + hash;
        }
        return ROOT + name + "/";
    }

    /** The folder in which an object lies, with a slash at its end. */
    static String containing(String object) {
        return object.substring(0, object.lastIndexOf('/') + 1);
    }

    private static String encode(String name) {
        StringBuilder encoded = new StringBuilder();
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            boolean plain =
                    (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
            encoded.append(plain ? String.valueOf(c) : String.format(Locale.ROOT, "%%%02X", (int) c));
        }
        return encoded.toString();
    }

    /** Never within an escape. */
    private static String cut(String name, int length) {
        int percent = name.lastIndexOf('%', length - 1);
        return name.substring(0, percent > length - 3 ? percent : length);
    }
}
