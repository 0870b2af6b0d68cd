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
        alias(cursor);
        cursor.require(Keyword.SET);
        int end = cursor.find(Keyword.FROM, Keyword.WHERE, Keyword.RETURNING);
        AssignmentReader.read(new TokenCursor(cursor.tokens(), new TokenSpan(cursor.position(), end)), reading);
        ExpressionReader.expression(reading, new TokenSpan(cursor.position(), end));
        cursor.moveTo(end);
        boolean scoped = scope(cursor, reading, Keyword.FROM);
        reading.facts().fire(scoped ? Rule.UPDATE : Rule.UNSCOPED_UPDATE, table.toString());
        reading.facts().destroys(Destruction.Kind.UPDATE, List.of(table), false, scoped);
        return CommandTag.UPDATE;
    }

    static void alias(TokenCursor cursor) {
        if (cursor.accept(Keyword.AS)) {
            cursor.name();
        } else if (cursor.atName() && !cursor.at(Keyword.SET)) {
            cursor.name();
        }
    }

    /** Reads {@code [FROM …] [WHERE …] [RETURNING …]} to the end; answers whether the WHERE narrows it. */
    static boolean scope(TokenCursor cursor, StatementReading reading, Keyword join) {
        if (cursor.accept(join)) {
            int end = cursor.find(Keyword.WHERE, Keyword.RETURNING);
            ExpressionReader.fromList(reading, new TokenSpan(cursor.position(), end));
            cursor.moveTo(end);
        }
        boolean scoped = false;
        if (cursor.accept(Keyword.WHERE)) {
            TokenSpan condition = new TokenSpan(cursor.position(), cursor.find(Keyword.RETURNING));
            scoped = cursor.at(Keyword.CURRENT, Keyword.OF) || !ConditionReader.alwaysTrue(reading, condition);
            ExpressionReader.expression(reading, condition);
            cursor.moveTo(condition.to());
        }
        if (!cursor.done()) {
            cursor.require(Keyword.RETURNING);
            ExpressionReader.expression(reading, cursor.rest());
            cursor.skipRest();
        }
        return scoped;
    }
}
