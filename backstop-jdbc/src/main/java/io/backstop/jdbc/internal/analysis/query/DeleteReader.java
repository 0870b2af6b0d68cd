package io.backstop.jdbc.internal.analysis.query;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.ObjectKind;
import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.Keyword;

import java.util.List;

/** DELETE. */
final class DeleteReader {
    private DeleteReader() {}

    static CommandTag read(TokenCursor cursor, StatementReading reading) {
        cursor.require(Keyword.DELETE);
        cursor.require(Keyword.FROM);
        int position = cursor.position();
        RelationName table = cursor.relation();
        reading.facts().target(ObjectKind.TABLE, table, position);
        ScopeReader.alias(cursor);
        boolean scoped = ScopeReader.scope(cursor, reading, Keyword.USING);
        reading.facts().fire(scoped ? Rule.DELETE : Rule.UNSCOPED_DELETE, table.toString());
        reading.facts().destroys(Destruction.Kind.DELETE, List.of(table), false, scoped);
        return CommandTag.DELETE;
    }
}
