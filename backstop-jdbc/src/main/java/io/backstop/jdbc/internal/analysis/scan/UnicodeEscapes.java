package io.backstop.jdbc.internal.analysis.scan;

/** Decodes {@code U&} strings and names (documentation, 4.1.2.3). Stateless, thread-safe. */
final class UnicodeEscapes {
    private static final int SHORT = 4;
    private static final int LONG = 6;

    private UnicodeEscapes() {}

    /** The text with every escape decoded; an escape that the server would refuse is kept as written. */
    static String decode(String text, char escape) {
        if (text.indexOf(escape) < 0) {
            return text;
        }
        StringBuilder decoded = new StringBuilder(text.length());
        int i = 0;
        while (i < text.length()) {
            char c = text.charAt(i);
            if (c != escape) {
                decoded.append(c);
                i++;
            } else if (i + 1 < text.length() && text.charAt(i + 1) == escape) {
                decoded.append(escape);
                i += 2;
            } else {
                i = point(text, i, decoded);
            }
        }
        return decoded.toString();
    }

    private static int point(String text, int at, StringBuilder decoded) {
        boolean isLong = at + 1 < text.length() && text.charAt(at + 1) == '+';
        int from = at + (isLong ? 2 : 1);
        int to = from + (isLong ? LONG : SHORT);
        if (to <= text.length() && hex(text, from, to)) {
            int point = Integer.parseInt(text.substring(from, to), 16);
            if (Character.isValidCodePoint(point)) {
                decoded.appendCodePoint(point);
                return to;
            }
        }
        decoded.append(text.charAt(at));
        return at + 1;
    }

    private static boolean hex(String text, int from, int to) {
        for (int i = from; i < to; i++) {
            if (!CharacterClasses.hexDigit(text.charAt(i))) {
                return false;
            }
        }
        return true;
    }
}
