package io.backstop.snapshot.archive;

import io.backstop.snapshot.key.KeyProvider;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The names of the objects within a snapshot. */
final class SnapshotObjectNames {
    static final String SCHEMA_JSON = "schema.json";
    static final String SCHEMA_SQL = "schema.sql";

    /** Stored once the statement is known to be committed; the manifest does not name it. */
    static final String COMMITTED = "committed.json";

    /** Stored anew each time a statement relies on a snapshot that was not taken for it; its time says when that was. */
    static final String USED = "used.json";

    /** Stored before anything is removed, and never taken back: from then on no statement relies on the snapshot. */
    static final String REMOVING = "removing.json";

    /**
     * Stored where the statement is known not to have run and the store keeps the snapshot locked: it counts as removed, and
     * goes when it can.
     */
    static final String DISCARDED = "discarded.json";

    private static final Pattern ANY = Pattern.compile("[a-z0-9][a-z0-9.-]{0,99}");

    private static final Pattern WRAPPED =
            Pattern.compile("wrapped-([a-z0-9]{1," + KeyProvider.LONGEST_ID + "})(?:-[0-9a-f]{16})?\\.key");

    private static final Pattern OWN = Pattern.compile(
            "data-[0-9]{5,}\\.copy\\.zst|schema\\.json|schema\\.sql"
                    + "|wrapped-[a-z0-9]{1,40}(?:-[0-9a-f]{16})?\\.key|committed\\.json|used\\.json|removing\\.json|discarded\\.json|manifest\\.json");

    private SnapshotObjectNames() {}

    static String chunk(int number) {
        return String.format(Locale.ROOT, "data-%05d.copy.zst", number);
    }

    /** The data key of the snapshot, wrapped under the key of this id. */
    static String wrappedKey(String keyId) {
        return "wrapped-" + keyId + ".key";
    }

    /** The same, of one rotation alone, which gives sixteen hexadecimal digits. */
    static String wrappedKey(String keyId, String rotation) {
        return "wrapped-" + keyId + "-" + rotation + ".key";
    }

    /** The id of the key, where an object of this name holds a wrapped one. */
    static Optional<String> keyId(String name) {
        Matcher matcher = WRAPPED.matcher(name);
        return matcher.matches() ? Optional.of(matcher.group(1)) : Optional.empty();
    }

    /** Whether an object of this name within a snapshot's folder is Backstop's own; another's is never removed. */
    static boolean isOwn(String name) {
        return OWN.matcher(name).matches();
    }

    /** Whether a manifest may name an object so; a crafted one must not lead out of its snapshot. */
    static boolean isName(String name) {
        return ANY.matcher(name).matches();
    }
}
