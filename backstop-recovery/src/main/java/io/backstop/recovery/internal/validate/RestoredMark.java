package io.backstop.recovery.internal.validate;

import io.backstop.api.analysis.RelationName;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The last line of a restored table's comment until its copyback: from which snapshot it was made, and under which name. A
 * table that was renamed since does not go by its mark any more. Immutable.
 *
 * @param snapshotId the snapshot
 * @param target the restored table's name, as {@link RelationName#toString} has it
 */
public record RestoredMark(String snapshotId, String target) {
    /** What takes the line off a comment on the server. In PostgreSQL's regular expressions a dot matches a new line. */
    public static final String SQL_PATTERN = "(^|\\n)restored by backstop from snap_\\w+ as .*$";

    private static final Pattern LINE =
            Pattern.compile("(?:^|\\n)restored by backstop from (snap_\\w+) as (.*)\\z", Pattern.DOTALL);

    public RestoredMark(String snapshotId, RelationName target) {
        this(snapshotId, target.toString());
    }

    /** The mark in a comment. */
    public static Optional<RestoredMark> in(Optional<String> comment) {
        return comment.map(LINE::matcher)
                .filter(Matcher::find)
                .map(found -> new RestoredMark(found.group(1), found.group(2)));
    }

    /** The comment without the mark. */
    public static Optional<String> off(Optional<String> comment) {
        return comment.map(text -> LINE.matcher(text).replaceFirst("")).filter(text -> !text.isEmpty());
    }

    /** The comment with the mark. */
    public String on(Optional<String> comment) {
        return comment.map(text -> text + "\n").orElse("") + "restored by backstop from " + snapshotId + " as "
                + target;
    }
}
