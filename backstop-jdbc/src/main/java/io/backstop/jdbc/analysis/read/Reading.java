package io.backstop.jdbc.analysis.read;

import io.backstop.jdbc.analysis.scan.Literals;
import io.backstop.jdbc.analysis.scan.Span;
import io.backstop.jdbc.analysis.scan.Tokens;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;

/**
 * One statement while it is read: its tokens, what was found out, and the nested statements that are still to be read.
 * Those wait in a queue and not on the stack, so that no nesting is too deep. Confined to one thread.
 */
final class Reading {
    private final Tokens tokens;
    private final Facts facts = new Facts();
    private final Deque<Span> nested = new ArrayDeque<>(2);
    private final Set<String> queryNames = new HashSet<>(4);
    private boolean literalsMatter;
    private boolean createsTable;

    Reading(Tokens tokens) {
        this.tokens = tokens;
    }

    Tokens tokens() {
        return tokens;
    }

    Facts facts() {
        return facts;
    }

    void nest(Span statement) {
        nested.add(statement);
    }

    boolean nests() {
        return !nested.isEmpty();
    }

    Span nextNested() {
        return nested.remove();
    }

    /** A WITH query's name, which is not a table. */
    void defines(String queryName) {
        queryNames.add(queryName);
    }

    boolean defined(String name) {
        return queryNames.contains(name);
    }

    /** Notes that a SELECT has an INTO. */
    void intoTable() {
        createsTable = true;
    }

    boolean createsTable() {
        return createsTable;
    }

    /** The value of a literal. Whoever asks for one makes the assessment depend on it. */
    String literal(int index) {
        literalsMatter = true;
        return Literals.value(tokens, index);
    }

    /** A number as written; asking for it makes the assessment depend on it. */
    String number(int index) {
        literalsMatter = true;
        return tokens.written(index);
    }

    boolean literalsMatter() {
        return literalsMatter;
    }
}
