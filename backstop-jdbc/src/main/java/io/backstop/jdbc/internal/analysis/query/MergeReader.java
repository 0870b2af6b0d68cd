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

/** MERGE, action by action. */
final class MergeReader {
    private MergeReader() {}

    static CommandTag read(TokenCursor cursor, StatementReading reading) {
        cursor.require(Keyword.MERGE);
        cursor.require(Keyword.INTO);
        int position = cursor.position();
        RelationName table = cursor.relation();
        reading.facts().target(ObjectKind.TABLE, table, position);
        reading.facts().fire(Rule.MERGE, table.toString());
        ScopeReader.alias(cursor);
        cursor.require(Keyword.USING);
        boolean joinsAll = source(cursor, reading);
        while (cursor.accept(Keyword.WHEN)) {
            action(cursor, reading, table, joinsAll);
        }
        if (!cursor.done()) {
            cursor.require(Keyword.RETURNING);
            ExpressionReader.expression(reading, cursor.rest());
            cursor.skipRest();
        }
        return CommandTag.MERGE;
    }

    /** Reads {@code source ON condition}; answers whether the condition holds for every pair. */
    private static boolean source(TokenCursor cursor, StatementReading reading) {
        int end = cursor.find(Keyword.WHEN);
        ExpressionReader.fromList(reading, new TokenSpan(cursor.position(), end));
        int condition = end;
        TokenCursor search = new TokenCursor(cursor.tokens(), new TokenSpan(cursor.position(), end));
        while (!search.done()) {
            search.moveTo(search.find(Keyword.ON));
            if (search.accept(Keyword.ON)) {
                condition = search.position();
            }
        }
        cursor.moveTo(end);
        return ConditionReader.alwaysTrue(reading, new TokenSpan(condition, end));
    }

    private static void action(TokenCursor cursor, StatementReading reading, RelationName table, boolean joinsAll) {
        boolean unmatched = cursor.accept(Keyword.NOT);
        cursor.require(Keyword.MATCHED);
        boolean bySource = cursor.accept(Keyword.BY, Keyword.SOURCE);
        cursor.accept(Keyword.BY, Keyword.TARGET);
        boolean narrowed = false;
        if (cursor.accept(Keyword.AND)) {
            TokenSpan condition = new TokenSpan(cursor.position(), cursor.find(Keyword.THEN));
            ExpressionReader.expression(reading, condition);
            narrowed = !ConditionReader.alwaysTrue(reading, condition);
            cursor.moveTo(condition.to());
        }
        cursor.require(Keyword.THEN);
        boolean scoped = narrowed || !(unmatched ? bySource : joinsAll);
        int end = cursor.find(Keyword.WHEN, Keyword.RETURNING);
        TokenSpan rest = new TokenSpan(cursor.position(), end);
        ExpressionReader.expression(reading, rest);
        if (cursor.accept(Keyword.DELETE)) {
            changes(reading, Destruction.Kind.DELETE, table, scoped);
        } else if (cursor.accept(Keyword.UPDATE)) {
            cursor.require(Keyword.SET);
            AssignmentReader.read(new TokenCursor(cursor.tokens(), new TokenSpan(cursor.position(), end)), reading);
            changes(reading, Destruction.Kind.UPDATE, table, scoped);
        } else if (cursor.accept(Keyword.INSERT)) {
            if (cursor.atSymbol('(')) {
                AssignmentReader.columns(new TokenCursor(cursor.tokens(), cursor.group()), reading);
            }
        } else if (!cursor.accept(Keyword.DO, Keyword.NOTHING)) {
            throw new NotUnderstoodException("expected an action of MERGE");
        }
        cursor.moveTo(end);
    }

    private static void changes(StatementReading reading, Destruction.Kind kind, RelationName table, boolean scoped) {
        reading.facts().destroys(kind, List.of(table), false, scoped);
        if (!scoped) {
            reading.facts().fire(Rule.UNSCOPED_MERGE, table.toString());
        }
    }
}
