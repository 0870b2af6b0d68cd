package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.internal.analysis.grammar.CommandReader;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.query.ExpressionReader;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.Keyword;

/** CALL and DO: code that only the server can see. */
final class CallReader implements CommandReader {
    @Override
    public CommandTag read(TokenCursor cursor, StatementReading reading) {
        if (cursor.accept(Keyword.CALL)) {
            int start = cursor.position();
            RelationName procedure = cursor.qualifiedLabel();
            reading.facts().fire(Rule.CALL_PROCEDURE, procedure.toString());
            cursor.moveTo(start);
            ExpressionReader.expression(reading, cursor.rest());
            cursor.skipRest();
            return CommandTag.CALL;
        }
        cursor.require(Keyword.DO);
        boolean body = false;
        while (!cursor.done()) {
            if (cursor.accept(Keyword.LANGUAGE)) {
                cursor.skip();
            } else {
                cursor.requireString();
                body = true;
            }
        }
        if (!body) {
            throw new NotUnderstoodException("expected a body");
        }
        reading.facts().fire(Rule.ANONYMOUS_BLOCK);
        return CommandTag.DO;
    }
}
