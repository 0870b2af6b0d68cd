package io.backstop.jdbc.internal.analysis.detail;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.analysis.Target;
import io.backstop.jdbc.internal.analysis.command.StatementReader;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.ObjectClass;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.StatementSplitter;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.List;
import java.util.Optional;

/**
 * What a {@code DROP … IF EXISTS} names. Immutable, thread-safe.
 *
 * @param objects the class of all of them
 * @param names their names as written; of a cast its two types
 */
public record DropIfExists(ObjectClass objects, List<RelationName> names) {
    public DropIfExists {
        names = List.copyOf(names);
    }

    /** Empty where the text is not one such statement, or one that cannot run in a transaction. */
    public static Optional<DropIfExists> read(String sql, boolean standardConformingStrings) {
        TokenList tokens = Lexer.scan(sql, standardConformingStrings);
        List<TokenSpan> statements = StatementSplitter.split(tokens);
        if (statements.size() != 1) {
            return Optional.empty();
        }
        StatementAssessment read =
                StatementReader.read(tokens, statements.get(0)).assessment();
        TokenCursor cursor = new TokenCursor(tokens, statements.get(0));
        if (!read.recognised() || !cursor.accept(Keyword.DROP)) {
            return Optional.empty();
        }
        cursor.accept(Keyword.PROCEDURAL);
        ObjectClass objects = ObjectClass.read(cursor);
        if (!cursor.ifExists()) {
            return Optional.empty(); // CONCURRENTLY too, which runs in no transaction
        }
        List<RelationName> names = objects == ObjectClass.CAST
                ? types(cursor)
                : read.targets().stream().map(Target::name).toList();
        return names.isEmpty() ? Optional.empty() : Optional.of(new DropIfExists(objects, names));
    }

    /** {@code (source AS target)}; nothing where one of them is of several words. */
    private static List<RelationName> types(TokenCursor cursor) {
        TokenCursor cast = new TokenCursor(cursor.tokens(), cursor.group());
        try {
            RelationName source = cast.qualifiedLabel();
            cast.require(Keyword.AS);
            RelationName target = cast.qualifiedLabel();
            cast.requireDone();
            return List.of(source, target);
        } catch (NotUnderstoodException e) {
            return List.of();
        }
    }
}
