package io.backstop.jdbc.internal.analysis.scan;

import java.util.ArrayList;
import java.util.List;

/**
 * Splits tokens into statements at the semicolons where PostgreSQL does: not within parentheses (rules), not within a
 * BEGIN ATOMIC body. Stateless, thread-safe.
 */
public final class StatementSplitter {
    private StatementSplitter() {}

    /** The statements in order, without their semicolons and without empty ones. */
    public static List<TokenSpan> split(TokenList tokens) {
        List<TokenSpan> statements = new ArrayList<>(1);
        int from = 0;
        int i = 0;
        while (i < tokens.size()) {
            if (tokens.symbol(i, '(')) {
                // Without a partner the rest is one statement that nobody can read.
                i = tokens.partner(i) < 0 ? tokens.size() : tokens.partner(i) + 1;
            } else if (tokens.symbol(i, ';')) {
                add(statements, from, i);
                i++;
                from = i;
            } else if (tokens.keyword(i) == Keyword.ATOMIC && beginsBody(tokens, from, i)) {
                i = bodyEnd(tokens, i + 1);
            } else {
                i++;
            }
        }
        add(statements, from, tokens.size());
        return statements;
    }

    /** The first statement as it is written; not of a text without any. */
    public static String first(TokenList tokens) {
        TokenSpan first = split(tokens).get(0);
        return tokens.text().substring(tokens.start(first.from()), tokens.end(first.to() - 1));
    }

    private static void add(List<TokenSpan> statements, int from, int to) {
        if (from < to) {
            statements.add(new TokenSpan(from, to));
        }
    }

    private static boolean beginsBody(TokenList tokens, int from, int atomic) {
        if (atomic - 1 <= from
                || tokens.keyword(atomic - 1) != Keyword.BEGIN
                || tokens.keyword(from) != Keyword.CREATE) {
            return false;
        }
        int object = tokens.keyword(from + 1) == Keyword.OR ? from + 3 : from + 1;
        Keyword kind = tokens.keyword(object);
        return kind == Keyword.FUNCTION || kind == Keyword.PROCEDURE;
    }

    /**
     * The index after the END of a body. It is the END that begins a statement: within the body's statements END closes a
     * CASE or is a label, and the body cannot hold the END that commits (gram.y: routine_body_stmt).
     */
    private static int bodyEnd(TokenList tokens, int from) {
        boolean statementStart = true;
        int i = from;
        while (i < tokens.size()) {
            if (statementStart && tokens.keyword(i) == Keyword.END) {
                return i + 1;
            }
            statementStart = tokens.symbol(i, ';');
            i++;
        }
        return i;
    }
}
