package io.backstop.jdbc.internal.analysis.scan;

import java.util.Arrays;

/** Pairs each parenthesis with its partner while the tokens come in. Confined to one thread. */
final class ParenthesisPairs {
    private final TokenList tokens;
    private int[] open = new int[16];
    private int depth;

    ParenthesisPairs(TokenList tokens) {
        this.tokens = tokens;
    }

    /** Looks at the token that was added last. */
    void see() {
        int last = tokens.size() - 1;
        if (last < 0) {
            return;
        }
        if (tokens.symbol(last, '(')) {
            if (depth == open.length) {
                open = Arrays.copyOf(open, depth * 2);
            }
            open[depth++] = last;
        } else if (tokens.symbol(last, ')') && depth > 0) {
            tokens.pair(open[--depth], last);
        }
    }
}
