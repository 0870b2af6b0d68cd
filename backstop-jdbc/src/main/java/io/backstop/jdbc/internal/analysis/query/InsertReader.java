package io.backstop.jdbc.internal.analysis.query;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.ObjectKind;
import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.List;

/** INSERT, with what its ON CONFLICT overwrites. */
final class InsertReader {
    private InsertReader() {}

    static CommandTag read(TokenCursor cursor, StatementReading reading) {
        cursor.require(Keyword.INSERT);
        cursor.require(Keyword.INTO);
        int position = cursor.position();
        RelationName table = cursor.qualifiedName();
        reading.facts().target(ObjectKind.TABLE, table, position);
        reading.facts().fire(Rule.INSERT, table.toString());
        if (cursor.accept(Keyword.AS)) {
            cursor.name();
        }
        if (cursor.atSymbol('(') && !QueryReader.at(cursor)) {
            AssignmentReader.columns(new TokenCursor(cursor.tokens(), cursor.group()), reading);
        }
        if (cursor.accept(Keyword.OVERRIDING)) {
            if (!cursor.acceptAny(Keyword.USER, Keyword.SYSTEM)) {
                throw new NotUnderstoodException("expected USER or SYSTEM");
            }
            cursor.require(Keyword.VALUE);
        }
        source(cursor, reading, table);
        return CommandTag.INSERT;
    }

    private static void source(TokenCursor cursor, StatementReading reading, RelationName table) {
        if (cursor.accept(Keyword.DEFAULT, Keyword.VALUES)) {
            conflict(cursor, reading, table);
            ExpressionReader.expression(reading, cursor.rest());
        } else {
            if (cursor.at(Keyword.WITH)) {
                QueryReader.withClause(cursor, reading);
            }
            conflict(cursor, reading, table);
            QueryReader.query(cursor, reading);
        }
        cursor.skipRest();
    }

    private static void conflict(TokenCursor cursor, StatementReading reading, RelationName table) {
        TokenCursor search = new TokenCursor(cursor.tokens(), cursor.rest());
        while (!search.done()) {
            search.moveTo(search.find(Keyword.DO));
            if (search.accept(Keyword.DO, Keyword.UPDATE, Keyword.SET)) {
                int end = search.find(Keyword.WHERE, Keyword.RETURNING);
                AssignmentReader.read(new TokenCursor(cursor.tokens(), new TokenSpan(search.position(), end)), reading);
                reading.facts().fire(Rule.UPDATE, table.toString());
                reading.facts().destroys(Destruction.Kind.UPDATE, List.of(table), false, true);
                return;
            }
            search.skip();
        }
    }
}
