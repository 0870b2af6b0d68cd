package io.backstop.jdbc.internal.analysis.query;

import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.ArrayList;
import java.util.List;

/**
 * Decides whether a WHERE narrows anything. A condition without a single name, parameter or query cannot tell rows apart:
 * unless it is seen to be false it is taken for true. So is a comparison of a column with itself. Precedence is
 * PostgreSQL's (documentation, 4.1.6). Confined to one thread.
 */
final class ConditionReader {
    /** Deeper conditions are not looked into, but taken for true; people do not write them. */
    private static final int DEEPEST = 200;

    private final StatementReading reading;
    private final TokenList tokens;
    private boolean tooDeep;

    private ConditionReader(StatementReading reading) {
        this.reading = reading;
        this.tokens = reading.tokens();
    }

    /** Whether the condition holds for every row by its text. */
    static boolean alwaysTrue(StatementReading reading, TokenSpan condition) {
        ConditionReader reader = new ConditionReader(reading);
        return reader.condition(condition, 0) == ConditionValue.TRUE || reader.tooDeep;
    }

    private ConditionValue condition(TokenSpan span, int depth) {
        if (depth > DEEPEST) {
            tooDeep = true;
            return ConditionValue.TRUE;
        }
        TokenSpan bare = withoutParentheses(span);
        List<TokenSpan> alternatives = split(bare, Keyword.OR);
        ConditionValue any = ConditionValue.FALSE;
        for (TokenSpan alternative : alternatives) {
            any = any.or(conjunction(alternative, depth, alternatives.size() > 1));
        }
        return any;
    }

    private ConditionValue conjunction(TokenSpan span, int depth, boolean part) {
        TokenSpan bare = part ? withoutParentheses(span) : span;
        if (part && bare.from() != span.from()) {
            return condition(bare, depth + 1);
        }
        List<TokenSpan> parts = split(bare, Keyword.AND);
        if (parts.size() == 1) {
            return negation(bare, depth);
        }
        ConditionValue all = ConditionValue.TRUE;
        for (TokenSpan each : parts) {
            TokenSpan inner = withoutParentheses(each);
            all = all.and(inner.from() == each.from() ? negation(each, depth) : condition(inner, depth + 1));
        }
        return all;
    }

    private ConditionValue negation(TokenSpan span, int depth) {
        int from = span.from();
        boolean negated = false;
        while (from < span.to() && tokens.keyword(from) == Keyword.NOT) {
            negated = !negated;
            from++;
        }
        ConditionValue truth =
                from == span.from() ? test(span, depth) : condition(new TokenSpan(from, span.to()), depth + 1);
        return negated ? truth.not() : truth;
    }

    /** {@code … IS [NOT] TRUE | FALSE | UNKNOWN | NULL}. */
    private ConditionValue test(TokenSpan span, int depth) {
        int last = span.to() - 1;
        if (last - 1 > span.from()) {
            boolean negated = tokens.keyword(last - 1) == Keyword.NOT && tokens.keyword(last - 2) == Keyword.IS;
            int is = negated ? last - 2 : last - 1;
            if (is > span.from() && tokens.keyword(is) == Keyword.IS) {
                ConditionValue operand = operand(new TokenSpan(span.from(), is), tokens.keyword(last), depth);
                return negated ? operand.not() : operand;
            }
        }
        return ConstantReader.truth(reading, span);
    }

    private ConditionValue operand(TokenSpan span, Keyword tested, int depth) {
        ConditionValue truth = condition(span, depth + 1);
        if (truth == ConditionValue.OPEN) {
            return ConditionValue.OPEN;
        }
        return switch (tested) {
            case TRUE -> ConditionValue.of(truth == ConditionValue.TRUE);
            case FALSE -> ConditionValue.of(truth == ConditionValue.FALSE);
            case NULL, UNKNOWN -> ConditionValue.of(truth == ConditionValue.NULL);
            default -> ConditionValue.OPEN;
        };
    }

    private TokenSpan withoutParentheses(TokenSpan span) {
        int from = span.from();
        int to = span.to();
        while (from < to && tokens.symbol(from, '(') && tokens.partner(from) == to - 1) {
            if (ExpressionReader.startsQuery(tokens, from + 1)) {
                break;
            }
            from++;
            to--;
        }
        return from == span.from() ? span : new TokenSpan(from, to);
    }

    /** The parts between the outermost ANDs or ORs; the AND of a BETWEEN does not separate. */
    private List<TokenSpan> split(TokenSpan span, Keyword separator) {
        List<TokenSpan> parts = new ArrayList<>(2);
        int cases = 0;
        int betweens = 0;
        int from = span.from();
        for (int i = span.from(); i < span.to(); i++) {
            if (tokens.kind(i) == TokenKind.SYMBOL) {
                i = tokens.symbol(i, '(') ? tokens.partner(i) : i;
                continue;
            }
            switch (tokens.keyword(i)) {
                case CASE -> cases++;
                case END -> cases--;
                case BETWEEN -> betweens += cases == 0 ? 1 : 0;
                case AND -> {
                    if (cases == 0 && betweens > 0) {
                        betweens--;
                    } else if (cases == 0 && separator == Keyword.AND) {
                        parts.add(new TokenSpan(from, i));
                        from = i + 1;
                    }
                }
                case OR -> {
                    if (cases == 0 && separator == Keyword.OR) {
                        parts.add(new TokenSpan(from, i));
                        from = i + 1;
                    }
                }
                default -> {}
            }
        }
        parts.add(new TokenSpan(from, span.to()));
        return parts;
    }
}
