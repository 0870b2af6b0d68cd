package io.backstop.jdbc.internal.analysis.detail;

import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The parts of an INSERT, in slices of its own text. Immutable, thread-safe.
 *
 * @param table the table
 * @param columns those that it lists, in its order; empty where it lists none
 * @param rows the expressions of its VALUES, row by row; empty where it has none, too many, or rows of different lengths
 * @param query where its rows come from, if not from VALUES
 * @param conflict the columns of ON CONFLICT; empty where it has none
 */
record InsertStatement(
        RelationName table,
        List<String> columns,
        List<List<String>> rows,
        Optional<String> query,
        List<String> conflict) {
    /** With more of them a query by all their values is no cheaper than one that reads the table. */
    private static final int MOST_ROWS = 1000;

    /** @throws NotUnderstoodException of WITH before it, fields and elements of columns, and conflicts by expressions or name */
    static InsertStatement read(TokenCursor cursor) {
        cursor.require(Keyword.INSERT);
        cursor.require(Keyword.INTO);
        RelationName table = cursor.qualifiedName();
        if (cursor.accept(Keyword.AS)) {
            cursor.name();
        }
        List<String> columns = cursor.atSymbol('(') ? names(cursor) : List.of();
        if (cursor.accept(Keyword.OVERRIDING)) {
            cursor.skip();
            cursor.require(Keyword.VALUE);
        }
        int begin = cursor.position();
        List<List<String>> rows = cursor.accept(Keyword.VALUES) ? rows(cursor) : List.of();
        cursor.moveTo(conflictOf(cursor));
        Optional<String> query = cursor.tokens().keyword(begin) == Keyword.VALUES
                ? Optional.empty()
                : Optional.of(slice(cursor.tokens(), new TokenSpan(begin, cursor.position())));
        List<String> conflict = List.of();
        if (cursor.accept(Keyword.ON, Keyword.CONFLICT) && !cursor.at(Keyword.DO)) {
            conflict = names(cursor);
        }
        return new InsertStatement(table, columns, rows, query, conflict);
    }

    /** Where ON CONFLICT begins, not the ON of a join. */
    private static int conflictOf(TokenCursor cursor) {
        TokenCursor search = new TokenCursor(cursor.tokens(), cursor.rest());
        search.moveTo(search.find(Keyword.ON));
        while (!search.done() && !search.at(Keyword.ON, Keyword.CONFLICT)) {
            search.skip();
            search.moveTo(search.find(Keyword.ON));
        }
        return search.position();
    }

    private static List<String> names(TokenCursor cursor) {
        TokenCursor list = new TokenCursor(cursor.tokens(), cursor.group());
        List<String> names = new ArrayList<>();
        do {
            names.add(list.label());
        } while (list.acceptSymbol(','));
        list.requireDone();
        return names;
    }

    private static List<List<String>> rows(TokenCursor cursor) {
        List<List<String>> rows = new ArrayList<>();
        do {
            rows.add(expressions(cursor.tokens(), cursor.group()));
        } while (cursor.acceptSymbol(','));
        boolean even = rows.stream().map(List::size).distinct().count() == 1;
        return even && rows.size() <= MOST_ROWS ? rows : List.of();
    }

    /** What commas separate outside of parentheses and brackets. */
    private static List<String> expressions(TokenList tokens, TokenSpan row) {
        List<String> expressions = new ArrayList<>();
        int begin = row.from();
        int brackets = 0;
        int i = row.from();
        while (i < row.to()) {
            if (tokens.symbol(i, '(')) {
                i = tokens.partner(i) < 0 ? row.to() : tokens.partner(i);
            } else if (tokens.symbol(i, '[')) {
                brackets++;
            } else if (tokens.symbol(i, ']')) {
                brackets--;
            } else if (brackets == 0 && tokens.symbol(i, ',')) {
                expressions.add(slice(tokens, new TokenSpan(begin, i)));
                begin = i + 1;
            }
            i++;
        }
        expressions.add(slice(tokens, new TokenSpan(begin, row.to())));
        return expressions;
    }

    /** From the first token to the last, so that no comment behind the last one swallows what follows. */
    static String slice(TokenList tokens, TokenSpan span) {
        if (span.from() >= span.to()) {
            throw new NotUnderstoodException("something is missing");
        }
        return tokens.text().substring(tokens.start(span.from()), tokens.end(span.to() - 1));
    }
}
