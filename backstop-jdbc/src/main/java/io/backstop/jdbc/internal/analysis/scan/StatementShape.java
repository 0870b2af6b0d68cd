package io.backstop.jdbc.internal.analysis.scan;

/**
 * A text with its literals left out: texts of the same shape are the same statements about other values. Space, comments
 * and the case of unquoted words are left out, too. Stateless, thread-safe.
 */
public final class StatementShape {
    /** Below every character that can begin a token, so that no token can pretend to be a literal. */
    private static final char FIRST_MARK = 1;

    private StatementShape() {}

    /** The shape of a text, to compare for equality only. */
    @SuppressWarnings("EnumOrdinal") // Only tells kinds apart, and only within this process.
    public static String of(TokenList tokens) {
        String text = tokens.text();
        StringBuilder shape = new StringBuilder(text.length() + tokens.size());
        for (int i = 0; i < tokens.size(); i++) {
            TokenKind kind = tokens.kind(i);
            if (kind.literal()) {
                shape.append((char) (FIRST_MARK + kind.ordinal()));
            } else {
                append(shape, tokens, i, kind);
            }
            shape.append(' ');
        }
        return shape.toString();
    }

    private static void append(StringBuilder shape, TokenList tokens, int i, TokenKind kind) {
        String text = tokens.text();
        if (kind == TokenKind.WORD) {
            for (int at = tokens.start(i); at < tokens.end(i); at++) {
                shape.append(CharacterClasses.fold(text.charAt(at)));
            }
            return;
        }
        if (kind == TokenKind.UNICODE_NAME) {
            shape.append(tokens.escape(i));
        }
        shape.append(text, tokens.start(i), tokens.end(i));
    }
}
