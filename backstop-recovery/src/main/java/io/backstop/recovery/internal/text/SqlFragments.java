package io.backstop.recovery.internal.text;

import io.backstop.api.analysis.RelationName;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Pieces of SQL that several statements are made of. Names come out quoted, always. */
public final class SqlFragments {
    private static final Pattern STANDARD_BODY = Pattern.compile("\\bBEGIN\\s+ATOMIC\\b", Pattern.CASE_INSENSITIVE);

    private SqlFragments() {}

    /** A body as a string constant that is easier to read (PostgreSQL documentation, 4.1.2.4). */
    public static String dollarQuoted(String body) {
        String tag = "$backstop$";
        for (int i = 1; body.contains(tag); i++) {
            tag = "$backstop" + i + "$";
        }
        return tag + " " + body + " " + tag;
    }

    /** {@code "a", "b"}. */
    public static String list(List<String> names) {
        return names.stream().map(RelationName::quote).collect(Collectors.joining(", "));
    }

    /** Each name after a prefix: {@code saved."a", saved."b"}. */
    public static String list(String prefix, List<String> names) {
        return names.stream().map(n -> prefix + RelationName.quote(n)).collect(Collectors.joining(", "));
    }

    /** Text for people as comment lines; nothing in it can end the comment and become SQL. */
    static String comment(String text) {
        return text.lines().map(line -> "-- " + line.replace('\r', ' ')).collect(Collectors.joining("\n")) + "\n";
    }

    /** Whether a function has a body of standard SQL, which the server has read, and which depends on what it names. */
    public static boolean hasStandardBody(String sql) {
        return STANDARD_BODY.matcher(sql).find();
    }
}
