package io.backstop.jdbc.internal.analysis.detail;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.analysis.Target;
import io.backstop.jdbc.internal.analysis.command.StatementReader;
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
 * A DROP of what has no rows by itself, with CASCADE, or of an extension: its text does not say what goes with it. Immutable,
 * thread-safe.
 *
 * @param objects the class of all of them
 * @param names their names as written; empty where they have none, as a cast
 */
public record CascadingDrop(ObjectClass objects, List<RelationName> names) {
    /** Those that have rows, that everything of a database or role belongs to, or that no transaction can drop. */
    private static final Set<ObjectClass> OTHERS = Set.of(
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

    public CascadingDrop {
        names = List.copyOf(names);
    }

    /** Empty where the text is not one such statement, or one that cannot run in a transaction. */
    public static Optional<CascadingDrop> read(String sql, boolean standardConformingStrings) {
        TokenList tokens = Lexer.scan(sql, standardConformingStrings);
        List<TokenSpan> statements = StatementSplitter.split(tokens);
        if (statements.size() != 1) {
            return Optional.empty();
        }
        StatementAssessment read =
                StatementReader.read(tokens, statements.get(0)).assessment();
        TokenCursor cursor = new TokenCursor(tokens, statements.get(0));
        if (!read.recognised() || read.destructions().isEmpty() || !cursor.accept(Keyword.DROP)) {
            return Optional.empty();
        }
        cursor.accept(Keyword.PROCEDURAL);
        ObjectClass objects = ObjectClass.read(cursor);
        if (OTHERS.contains(objects) || cursor.accept(Keyword.CONCURRENTLY)) {
            return Optional.empty();
        }
        return Optional.of(new CascadingDrop(
                objects, read.targets().stream().map(Target::name).toList()));
    }
}
