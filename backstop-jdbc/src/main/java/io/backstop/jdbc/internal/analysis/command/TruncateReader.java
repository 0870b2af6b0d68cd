package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.ObjectKind;
import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.internal.analysis.grammar.CommandReader;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.Keyword;

import java.util.ArrayList;
import java.util.List;

/** TRUNCATE. */
final class TruncateReader implements CommandReader {
    @Override
    public CommandTag read(TokenCursor cursor, StatementReading reading) {
        cursor.require(Keyword.TRUNCATE);
        cursor.accept(Keyword.TABLE);
        List<RelationName> tables = new ArrayList<>(1);
        do {
            int position = cursor.position();
            RelationName table = cursor.relation();
            tables.add(table);
            reading.facts().target(ObjectKind.TABLE, table, position);
            reading.facts().fire(Rule.TRUNCATE, table.toString());
        } while (cursor.acceptSymbol(','));
        if (cursor.acceptAny(Keyword.RESTART, Keyword.CONTINUE)) {
            cursor.require(Keyword.IDENTITY);
        }
        boolean cascade = cursor.accept(Keyword.CASCADE);
        cursor.accept(Keyword.RESTRICT);
        cursor.requireDone();
        reading.facts().destroys(Destruction.Kind.TRUNCATE, tables, cascade, false);
        return CommandTag.TRUNCATE;
    }
}
