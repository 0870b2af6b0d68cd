package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.ObjectKind;
import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.internal.analysis.grammar.CommandReader;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.query.AssignmentReader;
import io.backstop.jdbc.internal.analysis.query.ExpressionReader;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.List;

/** COPY in both directions, from and to the client, a server file or a program. */
final class CopyReader implements CommandReader {
    @Override
    public CommandTag read(TokenCursor cursor, StatementReading reading) {
        cursor.require(Keyword.COPY);
        cursor.accept(Keyword.BINARY);
        if (cursor.atSymbol('(')) {
            reading.nest(cursor.group());
            cursor.require(Keyword.TO);
            return end(cursor, reading, false);
        }
        int position = cursor.position();
        RelationName table = cursor.qualifiedName();
        TokenSpan columns = cursor.atSymbol('(') ? cursor.group() : new TokenSpan(0, 0);
        if (cursor.accept(Keyword.TO)) {
            reading.facts().reads(table);
            return end(cursor, reading, false);
        }
        cursor.require(Keyword.FROM);
        reading.facts().target(ObjectKind.TABLE, table, position);
        reading.facts().fire(Rule.COPY_IN, table.toString());
        if (!columns.empty()) {
            AssignmentReader.columns(new TokenCursor(cursor.tokens(), columns), reading);
        }
        return end(cursor, reading, true);
    }

    private static CommandTag end(TokenCursor cursor, StatementReading reading, boolean in) {
        CommandTag tag;
        if (cursor.acceptAny(Keyword.STDIN, Keyword.STDOUT)) {
            tag = in ? CommandTag.COPY_FROM : CommandTag.COPY_TO;
        } else if (cursor.accept(Keyword.PROGRAM)) {
            cursor.requireString();
            reading.facts().fire(Rule.SERVER_PROGRAM);
            reading.facts().destroysBeyondRecovery(List.of(), false);
            tag = CommandTag.COPY_PROGRAM;
        } else {
            cursor.requireString();
            reading.facts().fire(Rule.SERVER_FILE);
            if (!in) {
                reading.facts().destroysBeyondRecovery(List.of(), false);
            }
            tag = CommandTag.COPY;
        }
        // Options, and the WHERE of COPY FROM.
        ExpressionReader.expression(reading, cursor.rest());
        cursor.skipRest();
        return tag;
    }
}
