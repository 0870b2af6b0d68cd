package io.backstop.jdbc.internal.analysis.scan;

import java.util.Arrays;

/**
 * The tokens of one text, as parallel arrays: kind, position, key word, and for a parenthesis the index of its partner.
 * Filled by the {@link Lexer}, only read afterwards; then thread-safe.
 */
public final class TokenList {
    private static final int NO_PARTNER = -1;

    private final String text;
    private TokenKind[] kinds;
    private Keyword[] keywords;
    private int[] starts;
    private int[] ends;
    private int[] partners;
    /** For a Unicode string or name its escape character. */
    private char[] escapes;

    private int size;

    TokenList(String text) {
        this.text = text;
        int capacity = Math.max(16, text.length() / 4);
        kinds = new TokenKind[capacity];
        keywords = new Keyword[capacity];
        starts = new int[capacity];
        ends = new int[capacity];
        partners = new int[capacity];
        escapes = new char[0];
    }

    void add(TokenKind kind, Keyword keyword, int start, int end) {
        if (size == kinds.length) {
            grow();
        }
        kinds[size] = kind;
        keywords[size] = keyword;
        starts[size] = start;
        ends[size] = end;
        partners[size] = NO_PARTNER;
        size++;
    }

    private void grow() {
        int capacity = size * 2;
        kinds = Arrays.copyOf(kinds, capacity);
        keywords = Arrays.copyOf(keywords, capacity);
        starts = Arrays.copyOf(starts, capacity);
        ends = Arrays.copyOf(ends, capacity);
        partners = Arrays.copyOf(partners, capacity);
    }

    void removeLast(int count) {
        size -= count;
    }

    void pair(int open, int close) {
        partners[open] = close;
        partners[close] = open;
    }

    void escape(int index, char escape) {
        if (escapes.length <= index) {
            escapes = Arrays.copyOf(escapes, Math.max(kinds.length, index + 1));
        }
        escapes[index] = escape;
    }

    char escape(int index) {
        return index < escapes.length && escapes[index] != 0 ? escapes[index] : '\\';
    }

    public String text() {
        return text;
    }

    public int size() {
        return size;
    }

    public TokenKind kind(int index) {
        return kinds[index];
    }

    /** The key word of an unquoted word; NONE for everything else. */
    public Keyword keyword(int index) {
        return keywords[index];
    }

    public int start(int index) {
        return starts[index];
    }

    public int end(int index) {
        return ends[index];
    }

    public boolean symbol(int index, char symbol) {
        return kinds[index] == TokenKind.SYMBOL && text.charAt(starts[index]) == symbol;
    }

    public boolean operator(int index, String operator) {
        return kinds[index] == TokenKind.OPERATOR
                && ends[index] - starts[index] == operator.length()
                && text.startsWith(operator, starts[index]);
    }

    /** The index of the parenthesis that closes (or opens) this one; -1 where it has none. */
    public int partner(int index) {
        return partners[index];
    }

    /** The text of a token as written. */
    public String written(int index) {
        return text.substring(starts[index], ends[index]);
    }
}
