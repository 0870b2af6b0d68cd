package io.backstop.jdbc.analysis.read;

import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.analysis.scan.Keyword;
import io.backstop.jdbc.analysis.scan.Names;
import io.backstop.jdbc.analysis.scan.Span;
import io.backstop.jdbc.analysis.scan.TokenKind;
import io.backstop.jdbc.analysis.scan.Tokens;

/** A place in a stretch of tokens, and the few words of grammar that all readers share. Confined to one thread. */
final class Cursor {
    private final Tokens tokens;
    private final int end;
    private int at;

    Cursor(Tokens tokens, Span span) {
        this.tokens = tokens;
        this.at = span.from();
        this.end = span.to();
    }

    Tokens tokens() {
        return tokens;
    }

    int position() {
        return at;
    }

    int end() {
        return end;
    }

    Span rest() {
        return new Span(at, end);
    }

    boolean done() {
        return at >= end;
    }

    void requireDone() {
        if (at < end) {
            throw new NotUnderstoodException("more follows than the command allows");
        }
    }

    void moveTo(int position) {
        at = position;
    }

    void skip() {
        if (at < end) {
            at++;
        }
    }

    void skipRest() {
        at = end;
    }

    Keyword keyword() {
        return keyword(0);
    }

    Keyword keyword(int ahead) {
        return at + ahead < end ? tokens.keyword(at + ahead) : Keyword.NO_KEYWORD;
    }

    boolean at(Keyword keyword) {
        return keyword() == keyword;
    }

    boolean at(Keyword first, Keyword second) {
        return keyword() == first && keyword(1) == second;
    }

    boolean accept(Keyword keyword) {
        if (keyword() != keyword) {
            return false;
        }
        at++;
        return true;
    }

    /** Takes all of the words, or none of them. */
    boolean accept(Keyword first, Keyword... others) {
        if (keyword() != first) {
            return false;
        }
        for (int i = 0; i < others.length; i++) {
            if (keyword(i + 1) != others[i]) {
                return false;
            }
        }
        at += others.length + 1;
        return true;
    }

    boolean acceptAny(Keyword... keywords) {
        for (Keyword keyword : keywords) {
            if (accept(keyword)) {
                return true;
            }
        }
        return false;
    }

    void require(Keyword keyword) {
        if (!accept(keyword)) {
            throw new NotUnderstoodException("expected " + keyword);
        }
    }

    boolean ifExists() {
        return accept(Keyword.IF, Keyword.EXISTS);
    }

    boolean ifNotExists() {
        return accept(Keyword.IF, Keyword.NOT, Keyword.EXISTS);
    }

    boolean atSymbol(char symbol) {
        return symbolAhead(0, symbol);
    }

    boolean symbolAhead(int ahead, char symbol) {
        return at + ahead < end && tokens.symbol(at + ahead, symbol);
    }

    boolean acceptSymbol(char symbol) {
        if (!atSymbol(symbol)) {
            return false;
        }
        at++;
        return true;
    }

    boolean acceptOperator(String operator) {
        if (at >= end || !tokens.operator(at, operator)) {
            return false;
        }
        at++;
        return true;
    }

    boolean atString() {
        return at < end && tokens.kind(at).string();
    }

    boolean atLiteral() {
        return at < end && tokens.kind(at).literal();
    }

    boolean atParameter() {
        return at < end && tokens.kind(at) == TokenKind.PARAMETER;
    }

    void requireString() {
        if (!atString()) {
            throw new NotUnderstoodException("expected a string");
        }
        at++;
    }

    /** Whether an object's name (gram.y: ColId) stands here. */
    boolean atName() {
        return at < end && Names.object(tokens, at);
    }

    /** Whether any word, also a reserved one, stands here (gram.y: ColLabel). */
    boolean atLabel() {
        return at < end && Names.label(tokens, at);
    }

    String name() {
        if (!atName()) {
            throw new NotUnderstoodException("expected a name");
        }
        return Names.name(tokens, at++);
    }

    String label() {
        if (!atLabel()) {
            throw new NotUnderstoodException("expected a name");
        }
        return Names.name(tokens, at++);
    }

    /** {@code name}, {@code schema.name} or {@code database.schema.name}; the database is this one, so it is left out. */
    RelationName qualifiedName() {
        return afterDots(name());
    }

    /** Like {@link #qualifiedName()}, where a name may also be one that only types and functions may have. */
    RelationName qualifiedLabel() {
        return afterDots(label());
    }

    private RelationName afterDots(String first) {
        String name = first;
        RelationName qualified = RelationName.of(name);
        while (atSymbol('.')) {
            at++;
            String next = label();
            qualified = RelationName.of(name, next);
            name = next;
        }
        return qualified;
    }

    /** {@code t}, {@code t *}, {@code ONLY t} or {@code ONLY (t)} (gram.y: relation_expr). */
    RelationName relation() {
        if (accept(Keyword.ONLY)) {
            boolean parenthesised = acceptSymbol('(');
            RelationName name = qualifiedName();
            if (parenthesised) {
                requireSymbol(')');
            }
            return name;
        }
        RelationName name = qualifiedName();
        acceptOperator("*");
        return name;
    }

    void requireSymbol(char symbol) {
        if (!acceptSymbol(symbol)) {
            throw new NotUnderstoodException("expected " + symbol);
        }
    }

    /** Takes a parenthesised group and answers what is inside. */
    Span group() {
        if (!atSymbol('(') || tokens.partner(at) < 0) {
            throw new NotUnderstoodException("expected a parenthesis");
        }
        Span inside = new Span(at + 1, tokens.partner(at));
        at = inside.to() + 1;
        return inside;
    }

    void acceptGroup() {
        if (atSymbol('(')) {
            group();
        }
    }

    /**
     * The next of the key words outside parentheses and CASE, or {@link #end()}. A word behind a dot or AS is a label and
     * not found, nor is the FROM of IS DISTINCT FROM.
     */
    int find(Keyword... keywords) {
        int cases = 0;
        int i = at;
        while (i < end) {
            Keyword keyword = tokens.keyword(i);
            if (tokens.symbol(i, '(')) {
                i = tokens.partner(i) < 0 ? end : tokens.partner(i);
            } else if (keyword != Keyword.NO_KEYWORD && !isLabel(i)) {
                if (keyword == Keyword.CASE) {
                    cases++;
                } else if (keyword == Keyword.END && cases > 0) {
                    cases--;
                } else if (cases == 0 && oneOf(keyword, keywords) && !belongsToDistinct(i)) {
                    return i;
                }
            }
            i++;
        }
        return end;
    }

    private static boolean oneOf(Keyword keyword, Keyword[] keywords) {
        for (Keyword candidate : keywords) {
            if (candidate == keyword) {
                return true;
            }
        }
        return false;
    }

    private boolean isLabel(int i) {
        return i > at && (tokens.symbol(i - 1, '.') || tokens.keyword(i - 1) == Keyword.AS);
    }

    private boolean belongsToDistinct(int i) {
        return i > at && tokens.keyword(i) == Keyword.FROM && tokens.keyword(i - 1) == Keyword.DISTINCT;
    }
}
