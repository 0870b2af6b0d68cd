package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.ObjectKind;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RemovedDefinition;
import io.backstop.jdbc.internal.analysis.grammar.CommandReader;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.ObjectClass;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.IdentifierNames;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenList;

import java.util.List;

/** ALTER of every class of object. */
final class AlterReader implements CommandReader {
    @Override
    public CommandTag read(TokenCursor cursor, StatementReading reading) {
        cursor.require(Keyword.ALTER);
        if (cursor.accept(Keyword.SYSTEM)) {
            return system(cursor, reading);
        }
        if (cursor.accept(Keyword.DEFAULT, Keyword.PRIVILEGES)) {
            requireMore(cursor);
            reading.facts().fire(Rule.GRANT);
            return CommandTag.ALTER_DEFAULT_PRIVILEGES;
        }
        cursor.accept(Keyword.PROCEDURAL);
        ObjectClass objects = ObjectClass.read(cursor);
        reading.facts().fire(Rule.ALTER_OBJECT);
        switch (objects) {
            case TABLE, FOREIGN_TABLE, VIEW, MATERIALIZED_VIEW, INDEX, SEQUENCE -> relation(cursor, reading, objects);
            case TYPE -> new AlterActions(cursor, reading, true).read(target(cursor, reading, objects));
            case DOMAIN -> domain(cursor, reading);
            case FUNCTION, PROCEDURE, ROUTINE, AGGREGATE -> routine(cursor, reading, objects);
            case OWNED -> throw new NotUnderstoodException("owned objects are reassigned or dropped");
            default -> other(cursor, reading, objects);
        }
        return objects.altering();
    }

    private static CommandTag system(TokenCursor cursor, StatementReading reading) {
        if (!cursor.acceptAny(Keyword.SET, Keyword.RESET)) {
            throw new NotUnderstoodException("expected SET or RESET");
        }
        requireMore(cursor);
        reading.facts().fire(Rule.ALTER_SYSTEM);
        reading.facts().destroysBeyondRecovery(List.of(), false);
        return CommandTag.ALTER_SYSTEM;
    }

    private static void requireMore(TokenCursor cursor) {
        if (cursor.done()) {
            throw new NotUnderstoodException("expected more");
        }
        cursor.skipRest();
    }

    private static void relation(TokenCursor cursor, StatementReading reading, ObjectClass objects) {
        if (cursor.accept(Keyword.ALL, Keyword.IN, Keyword.TABLESPACE)) {
            cursor.name();
            requireMore(cursor);
            return;
        }
        RelationName name = target(cursor, reading, objects);
        if (objects == ObjectClass.SEQUENCE) {
            if (RemovingActions.ofSettings(rest(cursor))) {
                reading.facts().undefines(RemovedDefinition.Kind.RELATION, name);
            }
            requireMore(cursor);
        } else {
            new AlterActions(cursor, reading, false).read(name);
        }
    }

    private static RelationName target(TokenCursor cursor, StatementReading reading, ObjectClass objects) {
        cursor.ifExists();
        int position = cursor.position();
        RelationName name = cursor.relation();
        reading.facts().target(objects.kind(), name, position);
        return name;
    }

    /** CASCADE is allowed after {@code DROP CONSTRAINT}, though nothing ever depends on a domain's constraint. */
    private static void domain(TokenCursor cursor, StatementReading reading) {
        RelationName name = target(cursor, reading, ObjectClass.DOMAIN);
        boolean drops = cursor.at(Keyword.DROP);
        if (RemovingActions.ofDomain(rest(cursor))) {
            reading.facts().undefines(RemovedDefinition.Kind.TYPE, name);
        }
        TokenList tokens = cursor.tokens();
        int last = cursor.end() - 1;
        requireMore(cursor);
        if (drops && tokens.keyword(last) == Keyword.CASCADE) {
            reading.facts().fire(Rule.DROP_CASCADE, name.toString());
        }
    }

    /** All that have the name: which one is meant is in the arguments. */
    private static void routine(TokenCursor cursor, StatementReading reading, ObjectClass objects) {
        cursor.ifExists();
        int position = cursor.position();
        RelationName name = cursor.qualifiedLabel();
        reading.facts().target(objects.kind(), name, position);
        cursor.acceptGroup();
        if (RemovingActions.ofSettings(rest(cursor))) {
            reading.facts().undefines(RemovedDefinition.Kind.ROUTINE, name);
        }
        requireMore(cursor);
    }

    private static TokenCursor rest(TokenCursor cursor) {
        return new TokenCursor(cursor.tokens(), cursor.rest());
    }

    private static void other(TokenCursor cursor, StatementReading reading, ObjectClass objects) {
        cursor.ifExists();
        int position = cursor.position();
        if (IdentifierNames.label(cursor.tokens(), position) && position < cursor.end()) {
            RelationName name = cursor.qualifiedLabel();
            ObjectKind kind = objects.kind();
            reading.facts().target(kind, name, position);
        }
        requireMore(cursor);
    }
}
