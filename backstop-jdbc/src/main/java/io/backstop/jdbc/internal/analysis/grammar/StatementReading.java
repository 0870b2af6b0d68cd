package io.backstop.jdbc.internal.analysis.grammar;

import io.backstop.jdbc.internal.analysis.scan.StringLiterals;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;

/**
 * One statement while it is read: its tokens, what was found out, and the nested statements that are still to be read.
 * Those wait in a queue and not on the stack, so that no nesting is too deep. Confined to one thread.
 */
public final class StatementReading {
    private final TokenList tokens;
    private final StatementFacts facts = new StatementFacts();
    private final Deque<TokenSpan> nested = new ArrayDeque<>(2);
    private final Set<String> queryNames = new HashSet<>(4);
    private boolean literalsMatter;
    private boolean createsTable;

    public StatementReading(TokenList tokens) {
        this.tokens = tokens;
    }

    public TokenList tokens() {
        return tokens;
    }

    public StatementFacts facts() {
        return facts;
    }

    public void nest(TokenSpan statement) {
        nested.add(statement);
    }

    public boolean nests() {
        return !nested.isEmpty();
    }

    public TokenSpan nextNested() {
        return nested.remove();
    }

    /** A WITH query's name, which is not a table. */
    public void defines(String queryName) {
        queryNames.add(queryName);
    }

    public boolean defined(String name) {
        return queryNames.contains(name);
    }

    /** Notes that a SELECT has an INTO. */
    public void intoTable() {
        createsTable = true;
    }

    public boolean createsTable() {
        return createsTable;
    }

    /** The value of a literal. Whoever asks for one makes the assessment depend on it. */
    public String literal(int index) {
        literalsMatter = true;
        return StringLiterals.value(tokens, index);
    }

    /** A number as written; asking for it makes the assessment depend on it. */
    public String number(int index) {
        literalsMatter = true;
        return tokens.written(index);
    }

    public boolean literalsMatter() {
        return literalsMatter;
    }
}
