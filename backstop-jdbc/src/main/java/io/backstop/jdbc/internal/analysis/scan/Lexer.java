package io.backstop.jdbc.internal.analysis.scan;

import static io.backstop.jdbc.internal.analysis.scan.CharacterClasses.digit;
import static io.backstop.jdbc.internal.analysis.scan.CharacterClasses.hexDigit;
import static io.backstop.jdbc.internal.analysis.scan.CharacterClasses.identifierPart;
import static io.backstop.jdbc.internal.analysis.scan.CharacterClasses.identifierStart;
import static io.backstop.jdbc.internal.analysis.scan.CharacterClasses.space;

/**
 * Splits text into tokens exactly where PostgreSQL 13 to 18 do (src/backend/parser/scan.l), in time linear in its
 * length. Where versions differ it follows the older, more permissive one: {@code 1OR} is two tokens for 14 and an error
 * for 15, so reading two is right for both. Confined to one thread and one text. Long, because a lexer's states belong together.
 */
public final class Lexer {
    private final String text;
    private final int length;
    private final boolean standardStrings;
    private final TokenList tokens;
    private int at;

    private Lexer(String text, boolean standardStrings) {
        this.text = text;
        this.length = text.length();
        this.standardStrings = standardStrings;
        this.tokens = new TokenList(text);
    }

    /**
     * All tokens of a text; what the lexer refuses is a token of kind {@link TokenKind#INVALID}.
     *
     * @param standardStrings the session's standard_conforming_strings
     */
    public static TokenList scan(String text, boolean standardStrings) {
        Lexer lexer = new Lexer(text, standardStrings);
        if (CharacterClasses.sendable(text)) {
            lexer.scan();
        } else {
            lexer.add(TokenKind.INVALID, 0, text.length());
        }
        return lexer.tokens;
    }

    private void scan() {
        JdbcEscapes escapes = new JdbcEscapes(tokens);
        ParenthesisPairs parentheses = new ParenthesisPairs(tokens);
        while (at < length) {
            char c = text.charAt(at);
            if (space(c)) {
                at++;
            } else if (identifierStart(c)) {
                wordOrPrefixedString(c);
            } else if (digit(c) || (c == '.' && digit(peek(1)))) {
                number();
            } else if (c == '-' && peek(1) == '-') {
                at = lineEnd(at);
            } else if (c == '/' && peek(1) == '*') {
                blockComment();
            } else if (c == '{' || c == '}') {
                at = escapes.brace(at);
            } else if (CharacterClasses.operator(c)) {
                operator();
            } else {
                quoteOrSymbol(c);
                parentheses.see();
            }
        }
        escapes.end();
    }

    private void quoteOrSymbol(char c) {
        switch (c) {
            case '\'' -> string(standardStrings ? TokenKind.PLAIN_STRING : TokenKind.ESCAPE_STRING, at, at + 1);
            case '"' -> quotedName(TokenKind.QUOTED_NAME, at, at + 1);
            case '$' -> dollar();
            case '(', ')', '[', ']', ',', ';' -> add(TokenKind.SYMBOL, at, at + 1);
            case '.' -> add(TokenKind.SYMBOL, at, at + (peek(1) == '.' ? 2 : 1));
            case ':' -> colon();
            default -> add(TokenKind.INVALID, at, at + 1);
        }
    }

    private char peek(int ahead) {
        return at + ahead < length ? text.charAt(at + ahead) : 0;
    }

    private void add(TokenKind kind, int start, int end) {
        tokens.add(kind, Keyword.NO_KEYWORD, start, end);
        at = end;
    }

    private int lineEnd(int from) {
        int i = from;
        while (i < length && !CharacterClasses.newline(text.charAt(i))) {
            i++;
        }
        return i;
    }

    private void blockComment() {
        int start = at;
        int depth = 0;
        while (at < length) {
            char c = text.charAt(at);
            if (c == '/' && peek(1) == '*') {
                depth++;
                at += 2;
            } else if (c == '*' && peek(1) == '/') {
                at += 2;
                if (--depth == 0) {
                    return;
                }
            } else {
                at++;
            }
        }
        add(TokenKind.INVALID, start, length);
    }

    private void wordOrPrefixedString(char c) {
        char next = peek(1);
        if (next == '\'') {
            switch (c) {
                case 'e', 'E' -> string(TokenKind.ESCAPE_STRING, at, at + 2);
                case 'b', 'B', 'x', 'X' -> string(TokenKind.BIT_STRING, at, at + 2);
                case 'n', 'N' -> string(standardStrings ? TokenKind.PLAIN_STRING : TokenKind.ESCAPE_STRING, at, at + 2);
                default -> word();
            }
        } else if ((c == 'u' || c == 'U') && next == '&' && peek(2) == '\'') {
            string(standardStrings ? TokenKind.UNICODE_STRING : TokenKind.INVALID, at, at + 3);
        } else if ((c == 'u' || c == 'U') && next == '&' && peek(2) == '"') {
            quotedName(TokenKind.UNICODE_NAME, at, at + 3);
        } else {
            word();
        }
    }

    private void word() {
        int start = at;
        int hash = 0;
        int i = at;
        while (i < length) {
            char c = text.charAt(i);
            if (!identifierPart(c)) {
                break;
            }
            hash = KeywordTable.mix(hash, CharacterClasses.fold(c));
            i++;
        }
        tokens.add(TokenKind.WORD, KeywordTable.find(text, start, i, hash), start, i);
        at = i;
    }

    private void string(TokenKind kind, int start, int contents) {
        boolean backslashes = kind == TokenKind.ESCAPE_STRING;
        int i = contents;
        while (i < length) {
            char c = text.charAt(i);
            if (c == '\\' && backslashes) {
                i += 2;
            } else if (c != '\'') {
                i++;
            } else if (i + 1 < length && text.charAt(i + 1) == '\'') {
                i += 2;
            } else {
                int continued = continuation(i + 1);
                if (continued < 0) {
                    add(kind, start, i + 1);
                    unicodeEscape();
                    return;
                }
                i = continued;
            }
        }
        add(TokenKind.INVALID, start, length);
    }

    /** Where a string goes on after a quote: strings apart by space with a line break are one (4.1.2.1). -1: it does not. */
    private int continuation(int from) {
        boolean lineBreak = false;
        int i = from;
        while (i < length) {
            char c = text.charAt(i);
            if (space(c)) {
                lineBreak |= CharacterClasses.newline(c);
                i++;
            } else if (c == '-' && i + 1 < length && text.charAt(i + 1) == '-') {
                i = lineEnd(i);
            } else {
                return c == '\'' && lineBreak ? i + 1 : -1;
            }
        }
        return -1;
    }

    /** Takes {@code UESCAPE 'c'} into the Unicode string or name before it. */
    private void unicodeEscape() {
        int last = tokens.size() - 1;
        if (last < 2 || tokens.keyword(last - 1) != Keyword.UESCAPE) {
            return;
        }
        TokenKind kind = tokens.kind(last - 2);
        if (kind == TokenKind.UNICODE_NAME || kind == TokenKind.UNICODE_STRING) {
            int quote = text.indexOf('\'', tokens.start(last));
            if (tokens.end(last) - quote == 3) {
                tokens.escape(last - 2, text.charAt(quote + 1));
                tokens.removeLast(2);
            }
        }
    }

    private void quotedName(TokenKind kind, int start, int contents) {
        int i = contents;
        while (i < length) {
            if (text.charAt(i) != '"') {
                i++;
            } else if (i + 1 < length && text.charAt(i + 1) == '"') {
                i += 2;
            } else {
                add(i == contents ? TokenKind.INVALID : kind, start, i + 1);
                return;
            }
        }
        add(TokenKind.INVALID, start, length);
    }

    private void dollar() {
        int start = at;
        int i = at + 1;
        if (digit(peek(1))) {
            while (i < length && digit(text.charAt(i))) {
                i++;
            }
            add(TokenKind.PARAMETER, start, i);
            return;
        }
        while (i < length && CharacterClasses.dollarTagPart(text.charAt(i))) {
            i++;
        }
        if (i == length || text.charAt(i) != '$') {
            add(TokenKind.INVALID, start, start + 1);
            return;
        }
        String tag = text.substring(start, i + 1);
        int close = text.indexOf(tag, i + 1);
        if (close < 0) {
            add(TokenKind.INVALID, start, length);
        } else {
            add(TokenKind.DOLLAR_STRING, start, close + tag.length());
        }
    }

    private void colon() {
        if (peek(1) == ':') {
            add(TokenKind.TYPE_CAST, at, at + 2);
        } else if (peek(1) == '=') {
            add(TokenKind.COLON_EQUALS, at, at + 2);
        } else {
            add(TokenKind.SYMBOL, at, at + 1);
        }
    }

    private void number() {
        int start = at;
        int i = radix(start);
        if (i == start) {
            i = digits(start);
            if (i < length && text.charAt(i) == '.' && !(i + 1 < length && text.charAt(i + 1) == '.')) {
                i = digits(i + 1);
            }
            i = exponent(i);
        }
        add(TokenKind.NUMBER, start, i);
    }

    /** The end of 0x1F, 0o17 or 0b01 (PostgreSQL 16); where it is none of them, {@code from} itself. */
    private int radix(int from) {
        if (text.charAt(from) != '0' || from + 2 >= length) {
            return from;
        }
        char letter = CharacterClasses.fold(text.charAt(from + 1));
        if (letter != 'x' && letter != 'o' && letter != 'b') {
            return from;
        }
        int i = from + 2;
        while (i < length && (radixDigit(letter, text.charAt(i)) || underscoreBeforeDigit(letter, i))) {
            i++;
        }
        return i == from + 2 ? from : i;
    }

    private boolean underscoreBeforeDigit(char letter, int i) {
        return text.charAt(i) == '_' && i + 1 < length && radixDigit(letter, text.charAt(i + 1));
    }

    private static boolean radixDigit(char letter, char c) {
        return switch (letter) {
            case 'x' -> hexDigit(c);
            case 'o' -> c >= '0' && c <= '7';
            case 'b' -> c == '0' || c == '1';
            default -> digit(c);
        };
    }

    private int digits(int from) {
        int i = from;
        while (i < length
                && (digit(text.charAt(i))
                        || (i > from && underscoreBeforeDigit('d', i) && text.charAt(i - 1) != '_'))) {
            i++;
        }
        return i;
    }

    private int exponent(int from) {
        if (from >= length || CharacterClasses.fold(text.charAt(from)) != 'e') {
            return from;
        }
        int i = from + 1;
        if (i < length && (text.charAt(i) == '+' || text.charAt(i) == '-')) {
            i++;
        }
        int end = digits(i);
        return end == i ? from : end;
    }

    private void operator() {
        int start = at;
        if (text.charAt(start) == '?') {
            // pgjdbc replaces a single ? by $n and ?? by ?; as an operator it begins a token of the same extent or
            // less.
            boolean doubled = peek(1) == '?';
            add(doubled ? TokenKind.OPERATOR : TokenKind.PARAMETER, start, start + (doubled ? 2 : 1));
            return;
        }
        int end = start;
        boolean mayEndInSign = false;
        while (end < length) {
            char c = text.charAt(end);
            if (!CharacterClasses.operator(c) || startsComment(end) || (c == '?' && end > start)) {
                break;
            }
            mayEndInSign |= CharacterClasses.letsOperatorEndInSign(c);
            end++;
        }
        int run = end;
        if (!mayEndInSign) {
            while (end - start > 1 && (text.charAt(end - 1) == '+' || text.charAt(end - 1) == '-')) {
                end--;
            }
        }
        add(TokenKind.OPERATOR, start, end);
        // What is left are signs alone, and each is an operator. Starting over for each would take quadratic time.
        while (at < run) {
            add(TokenKind.OPERATOR, at, at + 1);
        }
    }

    private boolean startsComment(int i) {
        return i + 1 < length
                && ((text.charAt(i) == '-' && text.charAt(i + 1) == '-')
                        || (text.charAt(i) == '/' && text.charAt(i + 1) == '*'));
    }
}
