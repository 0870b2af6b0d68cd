package io.backstop.jdbc.internal.analysis.scan;

/** The value of a string literal (documentation, 4.1.2). Stateless, thread-safe. */
public final class StringLiterals {
    private StringLiterals() {}

    /** The text that a string literal stands for, its continuations joined. */
    public static String value(TokenList tokens, int index) {
        String written = tokens.written(index);
        return switch (tokens.kind(index)) {
            case DOLLAR_STRING -> {
                int tag = written.indexOf('$', 1) + 1;
                yield written.substring(tag, written.length() - tag);
            }
            case UNICODE_STRING -> UnicodeEscapes.decode(contents(written, false), tokens.escape(index));
            case ESCAPE_STRING -> contents(written, true);
            default -> contents(written, false);
        };
    }

    private static String contents(String written, boolean escapes) {
        StringBuilder value = new StringBuilder(written.length());
        boolean inside = false;
        int i = written.indexOf('\'');
        while (i < written.length()) {
            char c = written.charAt(i);
            if (!inside) {
                // Between the parts of a continued string stand only space and comments, and no quote is in them but
                // the next.
                if (c == '-') {
                    i = lineEnd(written, i);
                } else {
                    inside = c == '\'';
                    i++;
                }
            } else if (c == '\\' && escapes && i + 1 < written.length()) {
                i = escape(written, i + 1, value);
            } else if (c != '\'') {
                value.append(c);
                i++;
            } else if (i + 1 < written.length() && written.charAt(i + 1) == '\'') {
                value.append(c);
                i += 2;
            } else {
                inside = false;
                i++;
            }
        }
        return value.toString();
    }

    private static int lineEnd(String text, int from) {
        int i = from;
        while (i < text.length() && !CharacterClasses.newline(text.charAt(i))) {
            i++;
        }
        return i;
    }

    /** Decodes the escape behind a backslash; answers the position after it. */
    private static int escape(String text, int at, StringBuilder value) {
        char c = text.charAt(at);
        switch (c) {
            case 'b' -> value.append('\b');
            case 'f' -> value.append('\f');
            case 'n' -> value.append('\n');
            case 'r' -> value.append('\r');
            case 't' -> value.append('\t');
            case 'v' -> value.append('\u000b');
            case 'x' -> {
                return number(text, at, at + 1, 2, 16, value);
            }
            case 'u' -> {
                return number(text, at, at + 1, 4, 16, value);
            }
            case 'U' -> {
                return number(text, at, at + 1, 8, 16, value);
            }
            case '0', '1', '2', '3', '4', '5', '6', '7' -> {
                return number(text, at, at, 3, 8, value);
            }
            default -> value.append(c);
        }
        return at + 1;
    }

    private static int number(String text, int at, int from, int most, int radix, StringBuilder value) {
        int end = from;
        long point = 0;
        while (end < text.length() && end < from + most && Character.digit(text.charAt(end), radix) >= 0) {
            point = point * radix + Character.digit(text.charAt(end), radix);
            end++;
        }
        if (end == from || point > Character.MAX_CODE_POINT) {
            value.append(text.charAt(at));
            return at + 1;
        }
        value.appendCodePoint((int) point);
        return end;
    }
}
