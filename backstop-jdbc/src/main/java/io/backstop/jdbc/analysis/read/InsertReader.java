package io.backstop.jdbc.analysis.read;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.ObjectKind;
import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.analysis.rule.Rule;
import io.backstop.jdbc.analysis.scan.Keyword;
import io.backstop.jdbc.analysis.scan.Span;

import java.util.List;

/** INSERT, with what its ON CONFLICT overwrites. */
final class InsertReader {
    private InsertReader() {}

    static String read(Cursor cursor, Reading reading) {
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
            Assignments.columns(new Cursor(cursor.tokens(), cursor.group()), reading);
        }
        if (cursor.accept(Keyword.OVERRIDING)) {
            if (!cursor.acceptAny(Keyword.USER, Keyword.SYSTEM)) {
                throw new NotUnderstoodException("expected USER or SYSTEM");
            }
            cursor.require(Keyword.VALUE);
        }
        source(cursor, reading, table);
        return "INSERT";
    }

    private static void source(Cursor cursor, Reading reading, RelationName table) {
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

    private static void conflict(Cursor cursor, Reading reading, RelationName table) {
        Cursor search = new Cursor(cursor.tokens(), cursor.rest());
        while (!search.done()) {
            search.moveTo(search.find(Keyword.DO));
            if (search.accept(Keyword.DO, Keyword.UPDATE, Keyword.SET)) {
                int end = search.find(Keyword.WHERE, Keyword.RETURNING);
                Assignments.read(new Cursor(cursor.tokens(), new Span(search.position(), end)), reading);
                reading.facts().fire(Rule.UPDATE, table.toString());
                reading.facts().destroys(Destruction.Kind.UPDATE, List.of(table), false, true);
                return;
            }
            search.skip();
        }
    }
}
