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
import java.util.Set;

/**
 * What a DROP names. Immutable, thread-safe.
 *
 * @param objects the class of all of them
 * @param names their names as written; of a cast its two types; empty where they have none, as an operator
 * @param ifExists whether it may name what is not there
 * @param openEnded whether more may go than its text says, by CASCADE or with an extension
 */
public record DropStatement(ObjectClass objects, List<RelationName> names, boolean ifExists, boolean openEnded) {
    /** Those that have rows, that everything of a database or role belongs to, or that no transaction can drop. */
    private static final Set<ObjectClass> WITH_ROWS = Set.of(
            ObjectClass.TABLE,
            ObjectClass.FOREIGN_TABLE,
            ObjectClass.VIEW,
            ObjectClass.MATERIALIZED_VIEW,
            ObjectClass.SCHEMA,
            ObjectClass.DATABASE,
            ObjectClass.TABLESPACE,
            ObjectClass.OWNED,
            ObjectClass.ROLE,
            ObjectClass.USER,
            ObjectClass.GROUP,
            ObjectClass.SUBSCRIPTION);

    public DropStatement {
        names = List.copyOf(names);
    }

    /** Empty where the text is not one such statement, or one that cannot run in a transaction. */
    public static Optional<DropStatement> read(String sql, boolean standardConformingStrings) {
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
        if (cursor.accept(Keyword.CONCURRENTLY)) {
            return Optional.empty();
        }
        boolean ifExists = cursor.ifExists();
        List<RelationName> names = objects == ObjectClass.CAST
                ? types(cursor)
                : read.targets().stream().map(Target::name).toList();
        return Optional.of(
                new DropStatement(objects, names, ifExists, !read.destructions().isEmpty()));
    }

    /** Whether what it names has no rows by itself, but its text does not say what goes with it. */
    public boolean cascadesFromRowless() {
        return openEnded && !WITH_ROWS.contains(objects);
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
