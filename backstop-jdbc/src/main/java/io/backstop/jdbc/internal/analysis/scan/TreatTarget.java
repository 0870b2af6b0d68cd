package io.backstop.jdbc.internal.analysis.scan;

/**
 * The type of {@code TREAT(value AS type)}, for which PostgreSQL calls the function of that name in pg_catalog (gram.y,
 * func_expr_common_subexpr). Stateless, thread-safe.
 */
final class TreatTarget {
    private TreatTarget() {}

    /** Whether this name is the type's, without a schema. Looks no further than the type goes. */
    static boolean is(TokenList tokens, int i, TokenSpan span) {
        return IdentifierNames.label(tokens, i) && behindAs(tokens, i, span) && closesTreat(tokens, i + 1, span);
    }

    private static boolean behindAs(TokenList tokens, int i, TokenSpan span) {
        int before = i - 1;
        if (before > span.from() && tokens.keyword(before) == Keyword.SETOF) {
            before--;
        }
        return before >= span.from() && tokens.keyword(before) == Keyword.AS;
    }

    private static boolean closesTreat(TokenList tokens, int from, TokenSpan span) {
        for (int i = from; i < span.to(); i++) {
            if (tokens.symbol(i, ')')) {
                int open = tokens.partner(i);
                return open > span.from() && tokens.keyword(open - 1) == Keyword.TREAT;
            }
            if (tokens.symbol(i, '(')) { // type modifiers
                i = Math.max(i, tokens.partner(i));
            } else if (!continuesType(tokens, i)) {
                return false;
            }
        }
        return false;
    }

    private static boolean continuesType(TokenList tokens, int i) {
        return switch (tokens.kind(i)) {
            case WORD, QUOTED_NAME, UNICODE_NAME -> tokens.keyword(i) == Keyword.ARRAY || tokens.symbol(i - 1, '.');
            case SYMBOL -> tokens.symbol(i, '.') || tokens.symbol(i, '[') || tokens.symbol(i, ']');
            case NUMBER -> true;
            default -> false;
        };
    }
}
