package io.backstop.recovery.internal.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;

import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a table is called until its restore publishes it: {@code backstop_restore_}, sixteen hexadecimal digits of the
 * restore, and its number in it. Immutable.
 *
 * @param restore the restore, which is also the key of the advisory lock that its sessions share
 * @param number the table's number within the restore
 */
public record StagingName(long restore, int number) {
    private static final Pattern NAME = Pattern.compile("backstop_restore_([0-9a-f]{16})_([0-9]{1,9})");
    private static final Pattern COMMENT =
            Pattern.compile("backstop restore of snap_[0-9a-f]{16} into .*, unfinished", Pattern.DOTALL);

    /** The staging table's name that this is, if a restore made it: its comment has to say so too. */
    static Optional<StagingName> parse(String name, String comment) {
        Matcher matcher = NAME.matcher(name);
        return matcher.matches() && COMMENT.matcher(comment).matches()
                ? Optional.of(new StagingName(
                        HexFormat.fromHexDigitsToLong(matcher.group(1)), Integer.parseInt(matcher.group(2))))
                : Optional.empty();
    }

    public static String comment(SnapshotManifest manifest, RelationName target) {
        return "backstop restore of " + manifest.snapshotId() + " into " + target + ", unfinished";
    }

    RelationName in(String schema) {
        return RelationName.of(schema, "backstop_restore_" + HexFormat.of().toHexDigits(restore) + "_" + number);
    }
}
