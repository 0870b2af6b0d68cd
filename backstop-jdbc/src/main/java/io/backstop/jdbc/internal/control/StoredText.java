package io.backstop.jdbc.internal.control;

/** Text as every database can hold it. Stateless. */
final class StoredText {
    /** What stands for a character that cannot be stored (Unicode Standard, REPLACEMENT CHARACTER). */
    private static final char REPLACEMENT = '\ufffd';

    private StoredText() {}

    /** With a replacement for each NUL, which PostgreSQL takes in no text, and each half of a surrogate pair. */
    static String of(String text) {
        StringBuilder stored = new StringBuilder(text);
        for (int i = 0; i < stored.length(); i++) {
            char c = stored.charAt(i);
            if (Character.isHighSurrogate(c)
                    && i + 1 < stored.length()
                    && Character.isLowSurrogate(stored.charAt(i + 1))) {
                i++; // both halves of a pair
            } else if (c == 0 || Character.isSurrogate(c)) {
                stored.setCharAt(i, REPLACEMENT);
            }
        }
        return stored.toString();
    }
}
