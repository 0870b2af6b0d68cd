package io.backstop.jdbc.internal.analysis.detail;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.InsertedValues;
import io.backstop.jdbc.internal.analysis.command.StatementReader;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.StatementSplitter;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Reads what the text of an INSERT or MERGE tells of the rows that it makes. Stateless, thread-safe. */
public final class InsertedRowsText {
    private InsertedRowsText() {}

    /**
     * What it tells, or empty where it is not certain that the text is one INSERT or MERGE and nothing else.
     *
     * @param text with its values in it; of a column of which a value is missing there is none
     * @param standardConformingStrings the setting of the session that would run it
     */
    public static Optional<InsertedValues> read(String text, boolean standardConformingStrings) {
        TokenList tokens = Lexer.scan(text, standardConformingStrings);
        List<TokenSpan> statements = StatementSplitter.split(tokens);
        if (statements.size() != 1) {
            return Optional.empty();
        }
        CommandTag tag =
                StatementReader.read(tokens, statements.get(0)).assessment().tag();
        TokenCursor cursor = new TokenCursor(tokens, statements.get(0));
        try {
            return switch (tag) {
                case INSERT -> Optional.of(values(InsertStatement.read(cursor), standardConformingStrings));
                case MERGE -> Optional.of(new InsertedValues(target(cursor), List.of(), List.of()));
                default -> Optional.empty();
            };
        } catch (NotUnderstoodException e) {
            return Optional.empty();
        }
    }

    private static RelationName target(TokenCursor cursor) {
        cursor.require(Keyword.MERGE);
        cursor.require(Keyword.INTO);
        return cursor.relation();
    }

    private static InsertedValues values(InsertStatement insert, boolean standardConformingStrings) {
        List<List<String>> columns = new ArrayList<>();
        int width = insert.rows().isEmpty() ? 0 : insert.rows().get(0).size();
        for (int i = 0; i < width; i++) {
            int column = i;
            List<String> values =
                    insert.rows().stream().map(row -> row.get(column)).toList();
            String query = values.stream().collect(Collectors.joining("), (", "SELECT (", ")"));
            boolean certain = values.stream().noneMatch("default"::equalsIgnoreCase)
                    && RowLockQuery.onlyReads(query, standardConformingStrings);
            columns.add(certain ? values : List.of());
        }
        return new InsertedValues(insert.table(), insert.columns(), columns);
    }
}
