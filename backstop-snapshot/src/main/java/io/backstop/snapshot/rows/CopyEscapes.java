package io.backstop.snapshot.rows;

import java.util.Arrays;

/**
 * Writes text as COPY does in its text format (copyto.c, {@code CopyAttributeOutText}), for the encodings that a database can
 * have, in which no byte of a longer character looks like ASCII. Stateless.
 */
final class CopyEscapes {
    private static final String ESCAPED = "\b\f\n\r\t\u000b\\";
    private static final String LETTERS = "bfnrtv\\";

    /** For each byte the one that follows a backslash in its place, or 0. */
    private static final byte[] LETTER = new byte[128];

    static {
        for (int i = 0; i < ESCAPED.length(); i++) {
            LETTER[ESCAPED.charAt(i)] = (byte) LETTERS.charAt(i);
        }
    }

    private CopyEscapes() {}

    static byte[] escaped(byte[] text, int offset, int length) {
        int count = 0;
        for (int i = offset; i < offset + length; i++) {
            count += text[i] >= 0 && LETTER[text[i]] != 0 ? 1 : 0;
        }
        if (count == 0) {
            return Arrays.copyOfRange(text, offset, offset + length);
        }
        byte[] escaped = new byte[length + count];
        int to = 0;
        for (int i = offset; i < offset + length; i++) {
            byte letter = text[i] >= 0 ? LETTER[text[i]] : 0;
            if (letter != 0) {
                escaped[to++] = '\\';
            }
            escaped[to++] = letter == 0 ? text[i] : letter;
        }
        return escaped;
    }
}
