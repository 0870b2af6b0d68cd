package io.backstop.jdbc.internal.analysis.scan;

import io.backstop.api.analysis.MentionedNames;

import java.util.List;

/** Collects the names and operators of a statement, from its tokens alone. Stateless, thread-safe. */
public final class NameCollector {
    private NameCollector() {}

    /** Every name and operator among the tokens; linear in their number. */
    public static MentionedNames collect(TokenList tokens, TokenSpan span) {
        MentionedNames.Builder names = new MentionedNames.Builder();
        for (int i = span.from(); i < span.to(); i++) {
            switch (tokens.kind(i)) {
                case WORD, QUOTED_NAME, UNICODE_NAME -> word(tokens, span, i, names);
                case TYPE_CAST -> names.cast();
                case OPERATOR, PARAMETER -> operator(tokens, span, i, names);
                default -> {}
            }
        }
        return names.build();
    }

    private static void word(TokenList tokens, TokenSpan span, int i, MentionedNames.Builder names) {
        boolean behindDot = i > span.from() && tokens.symbol(i - 1, '.');
        Keyword keyword = tokens.keyword(i);
        if (!behindDot && keyword != Keyword.NO_KEYWORD) {
            if (casts(keyword)) {
                names.cast();
            }
            for (String function : calls(keyword)) {
                names.name(function, true, false, true);
            }
            if (keyword.reserved()) {
                return;
            }
        }
        names.name(
                IdentifierNames.whole(tokens, i),
                mayCall(tokens, i, span),
                behindDot,
                keyword != Keyword.NO_KEYWORD && !behindDot);
    }

    /**
     * Whether the name may call a function: with the parenthesis behind it, or as the type of TREAT. Behind another AS it is
     * an alias or a type, behind WITH a query's name, and behind INSERT INTO, or a COPY that begins the statement, a table, in
     * every rule of the grammar.
     */
    public static boolean mayCall(TokenList tokens, int i, TokenSpan span) {
        if (TreatTarget.is(tokens, i, span)) {
            return true;
        }
        if (i + 1 >= span.to() || !tokens.symbol(i + 1, '(')) {
            return false;
        }
        Keyword before = i > span.from() ? tokens.keyword(i - 1) : Keyword.NO_KEYWORD;
        return before != Keyword.AS
                && before != Keyword.WITH
                && before != Keyword.RECURSIVE
                && !filled(tokens, i, span);
    }

    private static boolean filled(TokenList tokens, int i, TokenSpan span) {
        int first = i;
        while (first - 2 >= span.from() && tokens.symbol(first - 1, '.')) {
            first -= 2;
        }
        boolean copied = first - 1 == span.from() && tokens.keyword(first - 1) == Keyword.COPY;
        return copied
                || (first - 2 >= span.from()
                        && tokens.keyword(first - 1) == Keyword.INTO
                        && tokens.keyword(first - 2) == Keyword.INSERT);
    }

    /** The functions that the word has the server call by another name than its own (SystemFuncName in gram.y). */
    private static List<String> calls(Keyword keyword) {
        return switch (keyword) {
            case AT -> List.of("timezone");
            case COLLATION -> List.of("pg_collation_for");
            case ESCAPE -> List.of("like_escape", "similar_escape", "similar_to_escape");
            case EXTRACT -> List.of("date_part");
            case NORMALIZED -> List.of("is_normalized");
            case OVERLAPS -> List.of("overlaps");
            case SIMILAR -> List.of("similar_escape", "similar_to_escape");
            case TRIM -> List.of("btrim", "ltrim", "rtrim");
            default -> List.of();
        };
    }

    /** Whether it casts, or begins a clause that names a type to which values are brought. */
    private static boolean casts(Keyword keyword) {
        return switch (keyword) {
            case CAST, TREAT, RETURNING, COLUMNS, JSON_SCALAR, JSON_SERIALIZE, JSON_VALUE, JSON_QUERY, JSON_TABLE ->
                true;
            default -> false;
        };
    }

    /**
     * An operator with a question mark is several tokens here, since pgjdbc takes a single mark for a parameter, and makes
     * one of two; what stands together without space may be one operator for the server.
     */
    private static void operator(TokenList tokens, TokenSpan span, int i, MentionedNames.Builder names) {
        if (tokens.kind(i) == TokenKind.OPERATOR) {
            names.operator(tokens.written(i).replace("??", "?"));
        }
        if (i > span.from() && joined(tokens, i - 1)) {
            return; // seen with the first of them
        }
        int last = i;
        while (last + 1 < span.to() && joined(tokens, last)) {
            last++;
        }
        if (last > i) {
            names.operator(
                    tokens.text().substring(tokens.start(i), tokens.end(last)).replace("??", "?"));
        }
    }

    private static boolean joined(TokenList tokens, int i) {
        return partOfOperator(tokens, i) && partOfOperator(tokens, i + 1) && tokens.end(i) == tokens.start(i + 1);
    }

    private static boolean partOfOperator(TokenList tokens, int i) {
        return tokens.kind(i) == TokenKind.OPERATOR
                || (tokens.kind(i) == TokenKind.PARAMETER && tokens.text().charAt(tokens.start(i)) == '?');
    }
}
