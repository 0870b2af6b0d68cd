package io.backstop.jdbc.internal.pipeline.statement;

import io.backstop.jdbc.analysis.SecretMask;

/** How a text is written down: secrets in it masked, and where it is long, its beginning and its length. Stateless. */
public final class RecordedText {
    /** The longest text that an operator is asked to approve, in characters: it is kept and shown whole. */
    public static final int LONGEST_APPROVABLE = 256 << 10;

    /** How much of a text an audit record holds, in characters. */
    public static final int LONGEST_IN_AUDIT = 16 << 10;

    /** How much of a text is recorded that changed nothing, in characters. */
    public static final int LONGEST_HARMLESS = 4_000;

    private RecordedText() {}

    /** The text for people; cut, if nobody will be asked to approve it. */
    static String masked(String sql, boolean standardConformingStrings) {
        return sql.length() <= LONGEST_APPROVABLE
                ? SecretMask.mask(sql, standardConformingStrings)
                : beginning(sql, LONGEST_IN_AUDIT, standardConformingStrings);
    }

    /** The beginning of a text, at most so long. */
    public static String beginning(String sql, int longest, boolean standardConformingStrings) {
        return sql.length() <= longest
                ? SecretMask.mask(sql, standardConformingStrings)
                : SecretMask.mask(cut(sql, longest), standardConformingStrings) + note(sql.length());
    }

    /** The beginning of a text that is masked already. */
    public static String beginning(String masked, int longest) {
        return masked.length() <= longest ? masked : cut(masked, longest) + note(masked.length());
    }

    private static String cut(String text, int longest) {
        int end = Character.isHighSurrogate(text.charAt(longest - 1)) ? longest - 1 : longest;
        return text.substring(0, end);
    }

    private static String note(int length) {
        return "… (" + length + " characters)";
    }
}
