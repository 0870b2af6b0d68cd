package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.ObjectKind;
import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.internal.analysis.grammar.CommandReader;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.query.ExpressionReader;
import io.backstop.jdbc.internal.analysis.query.QueryReader;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.Keyword;

/** CREATE TABLE and CREATE TABLE AS. */
final class CreateTableReader {
    private static final CommandReader QUERIES = new QueryReader();

    private CreateTableReader() {}

    /** Reads behind CREATE … TABLE. */
    static CommandTag read(TokenCursor cursor, StatementReading reading, boolean temporary) {
        cursor.ifNotExists();
        int position = cursor.position();
        RelationName table = cursor.qualifiedName();
        reading.facts().target(ObjectKind.TABLE, table, position);
        int as = cursor.find(Keyword.AS);
        if (as < cursor.end()) {
            cursor.moveTo(as + 1);
            fire(reading, table, temporary ? Rule.CREATE_TEMPORARY_TABLE : Rule.CREATE_TABLE_FROM_QUERY);
            source(cursor, reading);
            return CommandTag.CREATE_TABLE_AS;
        }
        if (cursor.done()) {
            throw new NotUnderstoodException("expected columns");
        }
        fire(reading, table, temporary ? Rule.CREATE_TEMPORARY_TABLE : Rule.CREATE_OBJECT);
        ExpressionReader.expression(reading, cursor.rest());
        cursor.skipRest();
        return CommandTag.CREATE_TABLE;
    }

    private static void fire(StatementReading reading, RelationName table, Rule rule) {
        reading.facts().fire(rule, table.toString());
    }

    /** Reads what stands behind AS: a query or EXECUTE, then WITH [NO] DATA. */
    static void source(TokenCursor cursor, StatementReading reading) {
        if (cursor.at(Keyword.EXECUTE)) {
            reading.facts().encloses(PreparedStatementReader.execute(cursor, reading));
            cursor.skipRest();
        } else {
            reading.facts().encloses(QUERIES.read(cursor, reading));
        }
    }
}
