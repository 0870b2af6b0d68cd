package io.backstop.jdbc.internal.analysis.query;

import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

/** What UPDATE, DELETE and MERGE say of the rows of their table. */
final class ScopeReader {
    private ScopeReader() {}

    /** Reads {@code [[AS] alias]}. */
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
