package io.backstop.jdbc.internal.analysis.query;

import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.scan.IdentifierNames;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.Set;

/** Evaluates a condition that holds no AND, OR or NOT on top. Confined to one thread. */
final class ConstantReader {
    private static final Set<String> FALSE_WORDS =
            Set.of("f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0");
    private static final int LONGEST_NUMBER = 40;

    private final StatementReading reading;
    private final TokenList tokens;

    private ConstantReader(StatementReading reading) {
        this.reading = reading;
        this.tokens = reading.tokens();
    }

    static ConditionValue truth(StatementReading reading, TokenSpan span) {
        return new ConstantReader(reading).truth(span);
    }

    private ConditionValue truth(TokenSpan span) {
        if (span.empty()) {
            return ConditionValue.OPEN;
        }
        if (!constant(span)) {
            return comparesWithItself(span) ? ConditionValue.TRUE : ConditionValue.OPEN;
        }
        TokenSpan value = withoutCast(span);
        if (value.to() - value.from() == 1) {
            return value(value.from());
        }
        int comparison = comparison(span);
        if (comparison < 0) {
            return ConditionValue.TRUE;
        }
        return compare(
                withoutCast(new TokenSpan(span.from(), comparison)),
                tokens.written(comparison),
                withoutCast(new TokenSpan(comparison + 1, span.to())));
    }

    /** A single constant as a condition. */
    private ConditionValue value(int i) {
        return switch (tokens.keyword(i)) {
            case TRUE -> ConditionValue.TRUE;
            case FALSE -> ConditionValue.FALSE;
            case NULL -> ConditionValue.NULL;
            default -> {
                if (!tokens.kind(i).literal()) {
                    yield ConditionValue.TRUE;
                }
                String word = tokens.kind(i).string() ? reading.literal(i) : reading.number(i);
                yield FALSE_WORDS.contains(word.strip().toLowerCase(Locale.ROOT))
                        ? ConditionValue.FALSE
                        : ConditionValue.TRUE;
            }
        };
    }

    private ConditionValue compare(TokenSpan left, String operator, TokenSpan right) {
        if (isNull(left) || isNull(right)) {
            return ConditionValue.NULL;
        }
        if (single(left) && single(right)) {
            if (tokens.kind(left.from()).string() && tokens.kind(right.from()).string()) {
                return decide(reading.literal(left.from()).compareTo(reading.literal(right.from())), operator, false);
            }
            if (tokens.kind(left.from()) == TokenKind.NUMBER && tokens.kind(right.from()) == TokenKind.NUMBER) {
                return compareNumbers(reading.number(left.from()), operator, reading.number(right.from()));
            }
            ConditionValue truth = word(left.from());
            ConditionValue other = word(right.from());
            if (truth != ConditionValue.OPEN && other != ConditionValue.OPEN) {
                return decide(
                        Boolean.compare(truth == ConditionValue.TRUE, other == ConditionValue.TRUE), operator, true);
            }
        }
        return ConditionValue.TRUE;
    }

    private static ConditionValue compareNumbers(String left, String operator, String right) {
        if (left.length() > LONGEST_NUMBER || right.length() > LONGEST_NUMBER) {
            return ConditionValue.TRUE;
        }
        try {
            BigDecimal first = new BigDecimal(left.replace("_", ""));
            return decide(first.compareTo(new BigDecimal(right.replace("_", ""))), operator, true);
        } catch (NumberFormatException e) {
            // 0x1F and its like: not worth telling apart.
            return ConditionValue.TRUE;
        }
    }

    /** Strings are only told apart for equality: their order depends on the collation. */
    private static ConditionValue decide(int order, String operator, boolean ordered) {
        return switch (operator) {
            case "=" -> ConditionValue.of(order == 0);
            case "<>", "!=" -> ConditionValue.of(order != 0);
            case "<=" -> ConditionValue.of(!ordered || order <= 0);
            case ">=" -> ConditionValue.of(!ordered || order >= 0);
            case "<" -> ConditionValue.of(ordered ? order < 0 : order != 0);
            case ">" -> ConditionValue.of(ordered ? order > 0 : order != 0);
            default -> ConditionValue.TRUE;
        };
    }

    private boolean single(TokenSpan span) {
        return span.to() - span.from() == 1;
    }

    private boolean isNull(TokenSpan span) {
        return single(span) && tokens.keyword(span.from()) == Keyword.NULL;
    }

    private ConditionValue word(int i) {
        return switch (tokens.keyword(i)) {
            case TRUE -> ConditionValue.TRUE;
            case FALSE -> ConditionValue.FALSE;
            default -> ConditionValue.OPEN;
        };
    }

    /** The only comparison of the span; -1 where it has none, or more operators than that. */
    private int comparison(TokenSpan span) {
        int found = -1;
        for (int i = span.from(); i < span.to(); i++) {
            if (tokens.kind(i) == TokenKind.OPERATOR || tokens.symbol(i, '(')) {
                if (found >= 0 || tokens.symbol(i, '(')) {
                    return -1;
                }
                found = i;
            }
        }
        return found;
    }

    /** {@code x} for {@code x::type}, {@code type 'x'} and {@code (x)}. */
    private TokenSpan withoutCast(TokenSpan span) {
        int from = span.from();
        int to = span.to();
        for (int i = from + 1; i < to; i++) {
            if (tokens.kind(i) == TokenKind.TYPE_CAST) {
                to = i;
            }
        }
        if (to - from == 2
                && IdentifierNames.label(tokens, from)
                && tokens.kind(from + 1).string()) {
            from++;
        }
        return new TokenSpan(from, to);
    }

    /** Whether nothing in the span can differ from row to row. */
    private boolean constant(TokenSpan span) {
        int i = span.from();
        while (i < span.to()) {
            if (tokens.kind(i) == TokenKind.TYPE_CAST || castType(i, span)) {
                i = typeEnd(i + 1, span.to());
            } else if (neutral(i, span)) {
                i++;
            } else {
                return false;
            }
        }
        return true;
    }

    private boolean castType(int i, TokenSpan span) {
        return tokens.keyword(i) == Keyword.AS && i > span.from();
    }

    private int typeEnd(int from, int to) {
        int i = from;
        while (i < to && ((IdentifierNames.label(tokens, i) && !neutralWord(i)) || tokens.symbol(i, '.'))) {
            i++;
        }
        if (i < to && tokens.symbol(i, '(')) {
            i = tokens.partner(i) + 1;
        }
        while (i < to && (tokens.symbol(i, '[') || tokens.symbol(i, ']'))) {
            i++;
        }
        return i;
    }

    private boolean neutral(int i, TokenSpan span) {
        return switch (tokens.kind(i)) {
            case PLAIN_STRING, ESCAPE_STRING, DOLLAR_STRING, UNICODE_STRING, BIT_STRING, NUMBER, OPERATOR -> true;
            case SYMBOL -> !tokens.symbol(i, '.');
            case WORD -> neutralWord(i) || typeOfLiteral(i, span);
            case QUOTED_NAME, UNICODE_NAME, PARAMETER, TYPE_CAST, COLON_EQUALS, INVALID -> false;
        };
    }

    /** {@code boolean 'true'}. */
    private boolean typeOfLiteral(int i, TokenSpan span) {
        return i + 1 < span.to() && tokens.kind(i + 1).string();
    }

    private boolean neutralWord(int i) {
        return switch (tokens.keyword(i)) {
            case TRUE,
                    FALSE,
                    NULL,
                    IS,
                    NOT,
                    IN,
                    BETWEEN,
                    SYMMETRIC,
                    LIKE,
                    ILIKE,
                    SIMILAR,
                    TO,
                    ANY,
                    ALL,
                    SOME,
                    ARRAY,
                    ROW,
                    CASE,
                    WHEN,
                    THEN,
                    ELSE,
                    END,
                    AND,
                    OR,
                    ISNULL,
                    NOTNULL,
                    DISTINCT,
                    FROM,
                    COALESCE,
                    NULLIF,
                    GREATEST,
                    LEAST,
                    CAST,
                    EXISTS,
                    SELECT,
                    UNKNOWN -> true;
            default -> false;
        };
    }

    /** {@code x = x}, {@code t.x >= t.x}: true wherever the column is not null. */
    private boolean comparesWithItself(TokenSpan span) {
        int middle = span.from() + (span.to() - span.from()) / 2;
        if ((span.to() - span.from()) % 2 == 0 || tokens.kind(middle) != TokenKind.OPERATOR) {
            return false;
        }
        String operator = tokens.written(middle);
        if (!operator.equals("=") && !operator.equals("<=") && !operator.equals(">=")) {
            return false;
        }
        for (int i = 0; i < middle - span.from(); i++) {
            if (!same(span.from() + i, middle + 1 + i)) {
                return false;
            }
        }
        return true;
    }

    private boolean same(int left, int right) {
        if (IdentifierNames.label(tokens, left) && IdentifierNames.label(tokens, right)) {
            return IdentifierNames.name(tokens, left).equals(IdentifierNames.name(tokens, right));
        }
        // Two placeholders ? are two values, $1 and $1 are one.
        boolean comparable = tokens.kind(left) == TokenKind.SYMBOL
                || (tokens.kind(left) == TokenKind.PARAMETER && tokens.text().charAt(tokens.start(left)) == '$');
        return comparable && tokens.written(left).equals(tokens.written(right));
    }
}
