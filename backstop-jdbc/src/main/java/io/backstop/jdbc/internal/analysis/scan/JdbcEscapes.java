package io.backstop.jdbc.internal.analysis.scan;

/**
 * Reads JDBC's escape clauses (JDBC 4.3, 13.4) as pgjdbc translates them: <code>{fn f(x)}</code> is the call,
 * <code>{d 'x'}</code>, <code>{t 'x'}</code> and <code>{ts 'x'}</code> are the literal, <code>{oj …}</code> is the join,
 * <code>{call f(x)}</code> and <code>{? = call f(x)}</code> are CALL. Any other brace reaches the server, which refuses it.
 * Confined to one thread.
 */
final class JdbcEscapes {
    private final TokenList tokens;
    private final String text;
    private int depth;

    JdbcEscapes(TokenList tokens) {
        this.tokens = tokens;
        this.text = tokens.text();
    }

    /** Reads the brace at {@code at} with the word that belongs to it; answers where the lexer goes on. */
    int brace(int at) {
        if (text.charAt(at) == '}') {
            depth--;
            if (depth < 0) {
                tokens.add(TokenKind.INVALID, Keyword.NO_KEYWORD, at, at + 1);
            }
            return at + 1;
        }
        depth++;
        int word = skipResult(skipSpace(at + 1));
        int end = word;
        while (end < text.length() && CharacterClasses.identifierPart(text.charAt(end))) {
            end++;
        }
        if (matches(word, end, "fn")
                || matches(word, end, "d")
                || matches(word, end, "t")
                || matches(word, end, "ts")
                || matches(word, end, "oj")) {
            return end;
        }
        if (matches(word, end, "call") || matches(word, end, "escape")) {
            return word;
        }
        tokens.add(TokenKind.INVALID, Keyword.NO_KEYWORD, at, at + 1);
        return at + 1;
    }

    private boolean matches(int from, int to, String word) {
        return CharacterClasses.equalsFolded(text, from, to, word);
    }

    private int skipSpace(int from) {
        int i = from;
        while (i < text.length() && CharacterClasses.space(text.charAt(i))) {
            i++;
        }
        return i;
    }

    /** Passes over the <code>? =</code> of a call with a result. */
    private int skipResult(int from) {
        if (from >= text.length() || text.charAt(from) != '?') {
            return from;
        }
        int equals = skipSpace(from + 1);
        return equals < text.length() && text.charAt(equals) == '=' ? skipSpace(equals + 1) : from;
    }

    /** Called behind the last token: what is still open makes the text invalid. */
    void end() {
        if (depth != 0) {
            tokens.add(TokenKind.INVALID, Keyword.NO_KEYWORD, text.length(), text.length());
        }
    }
}
