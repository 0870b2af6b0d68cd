package io.backstop.jdbc.internal.analysis.detail;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.analysis.command.StatementReader;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.rule.ReviewedFunctions;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.StatementSplitter;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Turns an UPDATE or DELETE with a WHERE into the query that locks the rows that it would take and tells where they are; an
 * INSERT with ON CONFLICT and a MERGE into one that locks those that it may take.
 * Made of slices of the statement's own text, so that names and expressions mean what they mean there. Stateless,
 * thread-safe.
 *
 * <p>Whoever uses it has to compare afterwards which rows the statement took: a query that differs from the statement in
 * some way that was not thought of here may tell others.
 */
public final class RowLockQuery {
    /** Columns of every table that a row lock changes (PostgreSQL documentation, 5.6). */
    private static final Set<String> CHANGED_BY_LOCKS = Set.of("xmax", "cmax", "cmin");

    private RowLockQuery() {}

    /**
     * The query, or empty where it is not certain that the text is one such statement and nothing else.
     *
     * @param text with its values in it: a placeholder left makes it uncertain
     * @param standardConformingStrings the setting of the session that would run it
     */
    public static Optional<String> query(String text, boolean standardConformingStrings) {
        TokenList tokens = Lexer.scan(text, standardConformingStrings);
        List<TokenSpan> statements = StatementSplitter.split(tokens);
        if (statements.size() != 1 || hasPlaceholder(tokens)) {
            return Optional.empty();
        }
        TokenSpan statement = statements.get(0);
        CommandTag tag = StatementReader.read(tokens, statement).assessment().tag();
        TokenCursor cursor = new TokenCursor(tokens, statement);
        try {
            Optional<String> query = switch (tag) {
                case UPDATE, DELETE -> Optional.of(query(cursor));
                case INSERT -> Optional.of(conflicting(InsertStatement.read(cursor)));
                case MERGE -> Optional.of(matched(cursor));
                default -> Optional.empty();
            };
            return query.filter(each -> onlyReads(each, standardConformingStrings));
        } catch (NotUnderstoodException e) {
            return Optional.empty(); // WITH before it, WHERE CURRENT OF, no WHERE
        }
    }

    /** Those that are there under the keys that an INSERT brings. */
    private static String conflicting(InsertStatement insert) {
        List<Integer> places =
                insert.conflict().stream().map(insert.columns()::indexOf).toList();
        if (places.isEmpty() || places.contains(-1)) {
            throw new NotUnderstoodException("its columns and those that conflict are not all named");
        }
        String keys = insert.conflict().stream()
                .map(column -> "r." + RelationName.quote(column))
                .collect(Collectors.joining(", ", "(", ")"));
        String brought;
        if (insert.query().isPresent()) {
            brought = insert.conflict().stream()
                            .map(column -> "q." + RelationName.quote(column))
                            .collect(Collectors.joining(", ", "SELECT ", " FROM ("))
                    + insert.query().get() + ") AS q ("
                    + insert.columns().stream().map(RelationName::quote).collect(Collectors.joining(", ")) + ")";
        } else if (insert.rows().isEmpty()
                || insert.rows().get(0).size() < insert.columns().size()) {
            throw new NotUnderstoodException("its rows are not all known");
        } else {
            brought = insert.rows().stream()
                    .map(row -> places.stream().map(row::get).collect(Collectors.joining("), (", "((", "))")))
                    .collect(Collectors.joining(", "));
        }
        return "SELECT r.tableoid, r.ctid FROM " + insert.table().quoted() + " AS r WHERE " + keys + " IN (" + brought
                + ") FOR NO KEY UPDATE OF r";
    }

    /** Those for which MERGE finds something in its source. */
    private static String matched(TokenCursor cursor) {
        cursor.require(Keyword.MERGE);
        cursor.require(Keyword.INTO);
        int begin = cursor.position();
        String reference = cursor.relation().name();
        String from = slice(cursor, begin, cursor.position());
        if (cursor.accept(Keyword.AS) || (cursor.atName() && !cursor.at(Keyword.USING))) {
            reference = cursor.name();
            from += " AS " + RelationName.quote(reference);
        }
        cursor.require(Keyword.USING);
        int when = cursor.find(Keyword.WHEN);
        int on = when;
        TokenCursor search = new TokenCursor(cursor.tokens(), new TokenSpan(cursor.position(), when));
        search.moveTo(search.find(Keyword.ON));
        while (!search.done()) {
            on = search.position();
            search.skip();
            search.moveTo(search.find(Keyword.ON));
        }
        String source = slice(cursor, on);
        cursor.require(Keyword.ON);
        String condition = slice(cursor, when);
        boolean deletes = false;
        boolean leavesSome = false;
        while (!cursor.done()) {
            if (cursor.at(Keyword.BY, Keyword.SOURCE)) {
                throw new NotUnderstoodException("rows without a match are changed too");
            }
            deletes |= cursor.at(Keyword.DELETE);
            leavesSome |= cursor.at(Keyword.MATCHED, Keyword.AND) || cursor.at(Keyword.DO, Keyword.NOTHING);
            cursor.skip();
        }
        if (deletes && leavesSome) {
            throw new NotUnderstoodException("which of the rows are deleted depends");
        }
        String row = RelationName.quote(reference);
        return "SELECT " + row + ".tableoid, " + row + ".ctid FROM " + from + ", " + source + " WHERE (" + condition
                + ") FOR " + (deletes ? "UPDATE" : "NO KEY UPDATE") + " OF " + row;
    }

    /**
     * Whether the statement would find something else behind this query, or do something twice: it names a function of
     * PostgreSQL's that is VOLATILE, or what a row lock changes. Quoted or not, and whatever it really is.
     */
    private static boolean dependsOnLockOrRepetition(TokenList tokens) {
        for (int i = 0; i < tokens.size(); i++) {
            String name =
                    tokens.text().substring(tokens.start(i), tokens.end(i)).replace("\"", "");
            String lower = name.toLowerCase(Locale.ROOT);
            if (CHANGED_BY_LOCKS.contains(lower) || ReviewedFunctions.holds(lower)) {
                return true;
            }
        }
        return false;
    }

    private static boolean hasPlaceholder(TokenList tokens) {
        for (int i = 0; i < tokens.size(); i++) {
            if (tokens.kind(i) == TokenKind.PARAMETER) {
                return true;
            }
        }
        return false;
    }

    private static String query(TokenCursor cursor) {
        boolean update = cursor.accept(Keyword.UPDATE);
        if (!update) {
            cursor.require(Keyword.DELETE);
            cursor.require(Keyword.FROM);
        }
        int begin = cursor.position();
        String reference = cursor.relation().name();
        String from = slice(cursor, begin, cursor.position());
        if (cursor.accept(Keyword.AS) || (cursor.atName() && !(update && cursor.at(Keyword.SET)))) {
            reference = cursor.name();
            from += " AS " + RelationName.quote(reference);
        }
        if (update) {
            cursor.require(Keyword.SET);
            cursor.moveTo(cursor.find(Keyword.FROM, Keyword.WHERE, Keyword.RETURNING));
        }
        if (cursor.accept(update ? Keyword.FROM : Keyword.USING)) {
            from += ", " + slice(cursor, cursor.find(Keyword.WHERE, Keyword.RETURNING));
        }
        cursor.require(Keyword.WHERE);
        if (cursor.at(Keyword.CURRENT, Keyword.OF)) {
            throw new NotUnderstoodException("a cursor stands on the row");
        }
        String condition = slice(cursor, cursor.find(Keyword.RETURNING));
        String row = RelationName.quote(reference);
        // What refers to a row's key may go on where the row is updated, as beside the statement itself.
        return "SELECT " + row + ".tableoid, " + row + ".ctid FROM " + from + " WHERE (" + condition + ") FOR "
                + (update ? "NO KEY UPDATE" : "UPDATE") + " OF " + row;
    }

    /** The text from here to there, where the cursor then stands. */
    private static String slice(TokenCursor cursor, int to) {
        String slice = slice(cursor, cursor.position(), to);
        cursor.moveTo(to);
        return slice;
    }

    private static String slice(TokenCursor cursor, int from, int to) {
        return InsertStatement.slice(cursor.tokens(), new TokenSpan(from, to));
    }

    /** Whatever was put together here is read as any text is: it runs only if it is one SELECT that changes nothing. */
    static boolean onlyReads(String query, boolean standardConformingStrings) {
        TokenList tokens = Lexer.scan(query, standardConformingStrings);
        List<TokenSpan> statements = StatementSplitter.split(tokens);
        if (statements.size() != 1 || hasPlaceholder(tokens) || dependsOnLockOrRepetition(tokens)) {
            return false;
        }
        StatementAssessment read =
                StatementReader.read(tokens, statements.get(0)).assessment();
        return read.risk() == RiskLevel.SAFE && read.tag() == CommandTag.SELECT;
    }
}
