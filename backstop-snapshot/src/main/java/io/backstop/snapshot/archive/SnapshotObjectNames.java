package io.backstop.snapshot.archive;

import java.util.Locale;
import java.util.regex.Pattern;

/** The names of the objects within a snapshot. */
final class SnapshotObjectNames {
    static final String SCHEMA_JSON = "schema.json";
    static final String SCHEMA_SQL = "schema.sql";

    private static final Pattern ANY = Pattern.compile("[a-z0-9][a-z0-9.-]{0,99}");

    private SnapshotObjectNames() {}

    static String chunk(int number) {
        return String.format(Locale.ROOT, "data-%05d.copy.zst", number);
    }

    /** Whether a manifest may name an object so; a crafted one must not lead out of its snapshot. */
    static boolean isName(String name) {
        return ANY.matcher(name).matches();
    }
}
