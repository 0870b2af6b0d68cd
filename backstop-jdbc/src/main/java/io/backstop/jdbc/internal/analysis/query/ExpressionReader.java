package io.backstop.jdbc.internal.analysis.query;

import io.backstop.api.analysis.ObjectKind;
import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TablePersistence;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.IdentifierNames;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.Arrays;

/**
 * Walks over expressions and query bodies once, from left to right, and notes what they call, read and nest. It does not
 * build a tree: what PostgreSQL would refuse is not its concern, what PostgreSQL would run is. Confined to one thread.
 */
public final class ExpressionReader {
    private static final int FIRST_DEPTH = 16;

    /** What a name means at this place. */
    private enum Place {
        EXPRESSION,
        /** In a FROM list, where a table or a function in its stead is expected. */
        ITEM,
        /** In a FROM list behind an item: aliases and column definitions. */
        ALIAS,
        /** In a FROM list, in the condition of a join. */
        CONDITION
    }

    private final StatementReading reading;
    private final TokenList tokens;
    private final boolean query;
    private Place[] outer = new Place[FIRST_DEPTH];
    private int depth;
    private Place place;

    private ExpressionReader(StatementReading reading, Place start, boolean query) {
        this.reading = reading;
        this.tokens = reading.tokens();
        this.place = start;
        this.query = query;
    }

    public static void expression(StatementReading reading, TokenSpan span) {
        new ExpressionReader(reading, Place.EXPRESSION, false).walk(span);
    }

    /** The list behind FROM or USING. */
    static void fromList(StatementReading reading, TokenSpan span) {
        new ExpressionReader(reading, Place.ITEM, false).walk(span);
    }

    /** The body of a SELECT, VALUES or TABLE with everything that follows it. */
    static void query(StatementReading reading, TokenSpan span) {
        new ExpressionReader(reading, Place.EXPRESSION, true).walk(span);
    }

    private void walk(TokenSpan span) {
        int i = span.from();
        while (i < span.to()) {
            if (tokens.symbol(i, '(')) {
                i = open(i);
            } else if (tokens.symbol(i, ')')) {
                close();
                i++;
            } else if (tokens.symbol(i, ',')) {
                if (place != Place.EXPRESSION
                        && !(place == Place.ALIAS && depth > 0 && outer[depth - 1] == Place.ALIAS)) {
                    place = Place.ITEM;
                }
                i++;
            } else if (IdentifierNames.label(tokens, i)) {
                i = word(i, span);
            } else {
                i++;
            }
        }
    }

    private int open(int i) {
        if (startsQuery(tokens, i + 1)) {
            reading.nest(new TokenSpan(i + 1, tokens.partner(i)));
            settle();
            return tokens.partner(i) + 1;
        }
        push(place, inside());
        return i + 1;
    }

    private Place inside() {
        return switch (place) {
            case ITEM, ALIAS -> place;
            // An expression in brackets may hold the items of a list: IN (a, b).
            case EXPRESSION, CONDITION -> Place.EXPRESSION;
        };
    }

    private void push(Place resume, Place inside) {
        if (depth == outer.length) {
            outer = Arrays.copyOf(outer, depth * 2);
        }
        outer[depth++] = resume;
        place = inside;
    }

    private void close() {
        if (depth > 0) {
            place = outer[--depth];
            settle();
        }
    }

    /** After an item comes its alias. */
    private void settle() {
        if (place == Place.ITEM) {
            place = Place.ALIAS;
        }
    }

    /** Whether the token behind an opening parenthesis begins a query. */
    static boolean startsQuery(TokenList tokens, int i) {
        return switch (tokens.keyword(i)) {
            case SELECT, WITH, TABLE -> tokens.partner(i - 1) >= 0;
            case VALUES -> tokens.partner(i - 1) >= 0 && tokens.symbol(i + 1, '(');
            default -> false;
        };
    }

    private int word(int i, TokenSpan span) {
        Keyword keyword = tokens.keyword(i);
        boolean label = i > span.from() && (tokens.symbol(i - 1, '.') || tokens.keyword(i - 1) == Keyword.AS);
        if (!label && keyword != Keyword.NO_KEYWORD) {
            int next = keyword(keyword, i, span);
            if (next > i) {
                return next;
            }
        }
        if (!IdentifierNames.object(tokens, i) && !IdentifierNames.function(tokens, i)) {
            return i + 1;
        }
        return name(i, span, label);
    }

    /** Handles a key word that changes the place; answers {@code i} itself where it is read as a name. */
    private int keyword(Keyword keyword, int i, TokenSpan span) {
        switch (keyword) {
            case FROM -> {
                boolean distinct = i > span.from() && tokens.keyword(i - 1) == Keyword.DISTINCT;
                if (query && depth == 0 && !distinct) {
                    place = Place.ITEM;
                }
                return i + 1;
            }
            case TABLE -> {
                if (query && depth == 0) {
                    place = Place.ITEM;
                }
                return i + 1;
            }
            case INTO -> {
                return query && depth == 0 ? into(i + 1, span) : i + 1;
            }
            case WHERE,
                    GROUP,
                    HAVING,
                    WINDOW,
                    ORDER,
                    LIMIT,
                    OFFSET,
                    FETCH,
                    FOR,
                    UNION,
                    INTERSECT,
                    EXCEPT,
                    RETURNING,
                    SELECT -> {
                if (depth == 0) {
                    place = Place.EXPRESSION;
                }
                return i + 1;
            }
            case JOIN -> {
                if (place != Place.EXPRESSION) {
                    place = Place.ITEM;
                }
                return i + 1;
            }
            case ON, TABLESAMPLE -> {
                if (place == Place.ALIAS) {
                    place = Place.CONDITION;
                }
                return i + 1;
            }
            case ONLY, LATERAL -> {
                return i + 1;
            }
            case ROWS -> {
                // ROWS FROM ( f(), g() ) is one item.
                boolean rowsFrom = place == Place.ITEM && i + 1 < span.to() && tokens.keyword(i + 1) == Keyword.FROM;
                return rowsFrom ? i + 2 : i;
            }
            case XMLTABLE, JSON_TABLE -> {
                if (place == Place.ITEM && i + 1 < span.to() && tokens.symbol(i + 1, '(')) {
                    push(Place.ITEM, Place.EXPRESSION);
                    return i + 2;
                }
                return i;
            }
            default -> {
                return i;
            }
        }
    }

    private int into(int from, TokenSpan span) {
        TokenCursor cursor = new TokenCursor(tokens, new TokenSpan(from, span.to()));
        boolean temporary = TablePersistence.temporary(cursor);
        cursor.accept(Keyword.TABLE);
        int position = cursor.position();
        RelationName name = cursor.qualifiedName();
        reading.facts().target(ObjectKind.TABLE, name, position);
        reading.facts().fire(temporary ? Rule.CREATE_TEMPORARY_TABLE : Rule.CREATE_TABLE_FROM_QUERY, name.toString());
        reading.intoTable();
        return cursor.position();
    }

    /** Reads {@code a}, {@code a.b} or {@code a.b.c} and what it stands for. */
    private int name(int i, TokenSpan span, boolean label) {
        int last = i;
        while (last + 2 < span.to() && tokens.symbol(last + 1, '.') && IdentifierNames.label(tokens, last + 2)) {
            last += 2;
        }
        boolean beforeGroup = last + 1 < span.to() && tokens.symbol(last + 1, '(');
        if (beforeGroup && place != Place.ALIAS && callable(i, last, span, label)) {
            call(i, last);
            push(place, Place.EXPRESSION);
            return last + 2;
        }
        if (place == Place.ITEM && !beforeGroup && IdentifierNames.object(tokens, i)) {
            relation(i, last, span);
        } else if (last > i || afterDot(i, span)) {
            attribute(i, last, span);
        }
        return last + 1;
    }

    private boolean afterDot(int i, TokenSpan span) {
        return i > span.from() && tokens.symbol(i - 1, '.');
    }

    /** {@code (x).f} and {@code t.f} call f(x) where x has no column f (documentation, 4.2.4 and 8.16.5). */
    private void attribute(int i, int last, TokenSpan span) {
        if (place == Place.ALIAS) {
            return;
        }
        String name = IdentifierNames.name(tokens, last);
        if (afterDot(i, span)) {
            reading.facts().calls(name);
        }
        BuiltInCalls.attribute(reading, name);
    }

    private void relation(int i, int last, TokenSpan span) {
        RelationName name = new TokenCursor(tokens, new TokenSpan(i, span.to())).qualifiedName();
        if (last > i || !reading.defined(name.name())) {
            reading.facts().reads(name);
        }
        place = Place.ALIAS;
    }

    private boolean callable(int i, int last, TokenSpan span, boolean label) {
        if (label || (last == i ? !IdentifierNames.function(tokens, i) : !IdentifierNames.object(tokens, i))) {
            return false;
        }
        if (i == span.from()) {
            return true;
        }
        // x::numeric(10) is a type.
        if (tokens.kind(i - 1) == TokenKind.TYPE_CAST || tokens.keyword(i - 1) == Keyword.TABLESAMPLE) {
            return false;
        }
        return switch (tokens.keyword(i)) {
            // f(x) FILTER (WHERE …) IGNORE NULLS OVER (…), but not DISTINCT ON (x) filter(y).
            case FILTER, OVER, REPEATABLE ->
                !closesNullTreatment(i - 1, span) && (!tokens.symbol(i - 1, ')') || closesDistinct(i - 1, span));
            case CONFLICT -> place != Place.EXPRESSION || tokens.keyword(i - 1) != Keyword.ON;
            // a OPERATOR(pg_catalog.+) b
            case OPERATOR -> last > i || tokens.kind(tokens.partner(i + 1) - 1) != TokenKind.OPERATOR;
            default -> true;
        };
    }

    private boolean closesNullTreatment(int nulls, TokenSpan span) {
        return nulls - 2 >= span.from()
                && tokens.keyword(nulls) == Keyword.NULLS
                && (tokens.keyword(nulls - 1) == Keyword.IGNORE || tokens.keyword(nulls - 1) == Keyword.RESPECT)
                && tokens.symbol(nulls - 2, ')');
    }

    private boolean closesDistinct(int close, TokenSpan span) {
        int open = tokens.partner(close);
        return open - 2 >= span.from()
                && tokens.keyword(open - 1) == Keyword.ON
                && tokens.keyword(open - 2) == Keyword.DISTINCT;
    }

    private void call(int i, int last) {
        RelationName name = new TokenCursor(tokens, new TokenSpan(i, last + 1)).qualifiedLabel();
        reading.facts().calls(name.toString());
        TokenSpan arguments = new TokenSpan(last + 2, Math.max(last + 2, tokens.partner(last + 1)));
        BuiltInCalls.call(reading, name, arguments);
    }
}
