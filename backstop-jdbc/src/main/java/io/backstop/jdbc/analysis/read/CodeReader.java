package io.backstop.jdbc.analysis.read;

import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.analysis.rule.Rule;
import io.backstop.jdbc.analysis.scan.Keyword;

/** CALL and DO: code that only the server can see. */
final class CodeReader implements CommandReader {
    @Override
    public String read(Cursor cursor, Reading reading) {
        if (cursor.accept(Keyword.CALL)) {
            int start = cursor.position();
            RelationName procedure = cursor.qualifiedLabel();
            reading.facts().fire(Rule.CALL_PROCEDURE, procedure.toString());
            cursor.moveTo(start);
            ExpressionReader.expression(reading, cursor.rest());
            cursor.skipRest();
            return "CALL";
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
        return "DO";
    }
}
