package io.backstop.jdbc.internal.analysis.query;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.ObjectKind;
import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.List;

/** UPDATE. */
final class UpdateReader {
    private UpdateReader() {}

    static CommandTag read(TokenCursor cursor, StatementReading reading) {
        cursor.require(Keyword.UPDATE);
        int position = cursor.position();
        RelationName table = cursor.relation();
        reading.facts().target(ObjectKind.TABLE, table, position);
        ScopeReader.alias(cursor);
        cursor.require(Keyword.SET);
        int end = cursor.find(Keyword.FROM, Keyword.WHERE, Keyword.RETURNING);
        AssignmentReader.read(new TokenCursor(cursor.tokens(), new TokenSpan(cursor.position(), end)), reading);
        ExpressionReader.expression(reading, new TokenSpan(cursor.position(), end));
        cursor.moveTo(end);
        boolean scoped = ScopeReader.scope(cursor, reading, Keyword.FROM);
        reading.facts().fire(scoped ? Rule.UPDATE : Rule.UNSCOPED_UPDATE, table.toString());
        reading.facts().destroys(Destruction.Kind.UPDATE, List.of(table), false, scoped);
        return CommandTag.UPDATE;
    }
}
