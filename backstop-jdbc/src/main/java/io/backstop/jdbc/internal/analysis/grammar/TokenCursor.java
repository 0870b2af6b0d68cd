package io.backstop.jdbc.internal.analysis.grammar;

import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.internal.analysis.scan.IdentifierNames;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

/** A place in a stretch of tokens, and the few words of grammar that all readers share. Confined to one thread. */
public final class TokenCursor {
    private final TokenList tokens;
    private final int end;
    private int at;

    public TokenCursor(TokenList tokens, TokenSpan span) {
        this.tokens = tokens;
        this.at = span.from();
        this.end = span.to();
    }

    public TokenList tokens() {
        return tokens;
    }

    public int position() {
        return at;
    }

    public int end() {
        return end;
    }

    public TokenSpan rest() {
        return new TokenSpan(at, end);
    }

    public boolean done() {
        return at >= end;
    }

    public void requireDone() {
        if (at < end) {
            throw new NotUnderstoodException("more follows than the command allows");
        }
    }

    public void moveTo(int position) {
        at = position;
    }

    public void skip() {
        if (at < end) {
            at++;
        }
    }

    public void skipRest() {
        at = end;
    }

    public Keyword keyword() {
        return keyword(0);
    }

    public Keyword keyword(int ahead) {
        return at + ahead < end ? tokens.keyword(at + ahead) : Keyword.NO_KEYWORD;
    }

    public boolean at(Keyword keyword) {
        return keyword() == keyword;
    }

    public boolean at(Keyword first, Keyword second) {
        return keyword() == first && keyword(1) == second;
    }

    public boolean accept(Keyword keyword) {
        if (keyword() != keyword) {
            return false;
        }
        at++;
        return true;
    }

    /** Takes all of the words, or none of them. */
    public boolean accept(Keyword first, Keyword... others) {
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

    public boolean acceptAny(Keyword... keywords) {
        for (Keyword keyword : keywords) {
            if (accept(keyword)) {
                return true;
            }
        }
        return false;
    }

    public void require(Keyword keyword) {
        if (!accept(keyword)) {
            throw new NotUnderstoodException("expected " + keyword);
        }
    }

    public boolean ifExists() {
        return accept(Keyword.IF, Keyword.EXISTS);
    }

    public boolean ifNotExists() {
        return accept(Keyword.IF, Keyword.NOT, Keyword.EXISTS);
    }

    public boolean atSymbol(char symbol) {
        return symbolAhead(0, symbol);
    }

    public boolean symbolAhead(int ahead, char symbol) {
        return at + ahead < end && tokens.symbol(at + ahead, symbol);
    }

    public boolean acceptSymbol(char symbol) {
        if (!atSymbol(symbol)) {
            return false;
        }
        at++;
        return true;
    }

    public boolean acceptOperator(String operator) {
        if (at >= end || !tokens.operator(at, operator)) {
            return false;
        }
        at++;
        return true;
    }

    public boolean atString() {
        return at < end && tokens.kind(at).string();
    }

    public boolean atLiteral() {
        return at < end && tokens.kind(at).literal();
    }

    public boolean atParameter() {
        return at < end && tokens.kind(at) == TokenKind.PARAMETER;
    }

    public void requireString() {
        if (!atString()) {
            throw new NotUnderstoodException("expected a string");
        }
        at++;
    }

    /** Whether an object's name (gram.y: ColId) stands here. */
    public boolean atName() {
        return at < end && IdentifierNames.object(tokens, at);
    }

    /** Whether any word, also a reserved one, stands here (gram.y: ColLabel). */
    public boolean atLabel() {
        return at < end && IdentifierNames.label(tokens, at);
    }

    public String name() {
        if (!atName()) {
            throw new NotUnderstoodException("expected a name");
        }
        return IdentifierNames.name(tokens, at++);
    }

    public String label() {
        if (!atLabel()) {
            throw new NotUnderstoodException("expected a name");
        }
        return IdentifierNames.name(tokens, at++);
    }

    /** {@code name}, {@code schema.name} or {@code database.schema.name}; the database is this one, so it is left out. */
    public RelationName qualifiedName() {
        return afterDots(name());
    }

    /** Like {@link #qualifiedName()}, where a name may also be one that only types and functions may have. */
    public RelationName qualifiedLabel() {
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
    public RelationName relation() {
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
    public TokenSpan group() {
        if (!atSymbol('(') || tokens.partner(at) < 0) {
            throw new NotUnderstoodException("expected a parenthesis");
        }
        TokenSpan inside = new TokenSpan(at + 1, tokens.partner(at));
        at = inside.to() + 1;
        return inside;
    }

    public void acceptGroup() {
        if (atSymbol('(')) {
            group();
        }
    }

    /**
     * The next of the key words outside parentheses and CASE, or {@link #end()}. A word behind a dot or AS is a label and
     * not found, nor is the FROM of IS DISTINCT FROM.
     */
    public int find(Keyword... keywords) {
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
