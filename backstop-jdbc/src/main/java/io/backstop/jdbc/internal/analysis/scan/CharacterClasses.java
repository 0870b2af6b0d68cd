package io.backstop.jdbc.internal.analysis.scan;

/**
 * The character classes of PostgreSQL's lexer (src/backend/parser/scan.l). Everything outside ASCII belongs to
 * identifiers, also what Unicode calls space.
 */
final class CharacterClasses {
    private CharacterClasses() {}

    static boolean space(char c) {
        return c == ' ' || (c >= '\t' && c <= '\r');
    }

    static boolean newline(char c) {
        return c == '\n' || c == '\r';
    }

    static boolean digit(char c) {
        return c >= '0' && c <= '9';
    }

    static boolean hexDigit(char c) {
        return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    }

    static boolean identifierStart(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
    }

    static boolean identifierPart(char c) {
        return identifierStart(c) || digit(c) || c == '$';
    }

    static boolean dollarTagPart(char c) {
        return identifierStart(c) || digit(c);
    }

    static boolean operator(char c) {
        return switch (c) {
            case '~', '!', '@', '#', '^', '&', '|', '`', '?', '+', '-', '*', '/', '%', '<', '>', '=' -> true;
            default -> false;
        };
    }

    /** Only these let an operator of several characters end in + or -. */
    static boolean letsOperatorEndInSign(char c) {
        return switch (c) {
            case '~', '!', '@', '#', '^', '&', '|', '`', '?', '%' -> true;
            default -> false;
        };
    }

    /** Folds A to Z alone, as PostgreSQL does for multi-byte encodings. */
    static char fold(char c) {
        return c >= 'A' && c <= 'Z' ? (char) (c + 32) : c;
    }

    static boolean equalsFolded(String text, int from, int to, String lower) {
        if (to - from != lower.length()) {
            return false;
        }
        for (int i = 0; i < lower.length(); i++) {
            if (fold(text.charAt(from + i)) != lower.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    /** Whether text can be sent to a server at all: no NUL, and no half of a surrogate pair. */
    static boolean sendable(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == 0) {
                return false;
            }
            if (Character.isSurrogate(c)) {
                if (i + 1 == text.length() || !Character.isSurrogatePair(c, text.charAt(i + 1))) {
                    return false;
                }
                i++;
            }
        }
        return true;
    }
}
