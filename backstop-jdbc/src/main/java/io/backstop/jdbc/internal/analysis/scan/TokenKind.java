package io.backstop.jdbc.internal.analysis.scan;

/** The kinds of token that PostgreSQL's lexer knows, as far as reading a statement needs them apart. */
public enum TokenKind {
    /** An unquoted identifier or key word. */
    WORD,
    /** {@code "name"}. */
    QUOTED_NAME,
    /** {@code U&"name"}, with its UESCAPE clause. */
    UNICODE_NAME,
    /** {@code 'text'} or {@code N'text'} without backslash escapes. */
    PLAIN_STRING,
    /** {@code E'text'}, or a plain string while standard_conforming_strings is off. */
    ESCAPE_STRING,
    /** {@code $tag$text$tag$}. */
    DOLLAR_STRING,
    /** {@code U&'text'}, with its UESCAPE clause. */
    UNICODE_STRING,
    /** {@code B'01'} or {@code X'1F'}. */
    BIT_STRING,
    NUMBER,
    /** {@code $1}, or the JDBC placeholder {@code ?}. */
    PARAMETER,
    /** Any run of operator characters, {@code =} and {@code *} included. */
    OPERATOR,
    /** {@code ::}. */
    TYPE_CAST,
    /** {@code :=}. */
    COLON_EQUALS,
    /** One of {@code ( ) [ ] , ; : .} */
    SYMBOL,
    /** What PostgreSQL's lexer refuses, to the point from where it can go on. */
    INVALID;

    public boolean string() {
        return switch (this) {
            case PLAIN_STRING, ESCAPE_STRING, DOLLAR_STRING, UNICODE_STRING, BIT_STRING -> true;
            case WORD,
                    QUOTED_NAME,
                    UNICODE_NAME,
                    NUMBER,
                    PARAMETER,
                    OPERATOR,
                    TYPE_CAST,
                    COLON_EQUALS,
                    SYMBOL,
                    INVALID -> false;
        };
    }

    public boolean literal() {
        return this == NUMBER || string();
    }
}
