package io.backstop.jdbc.analysis.read;

import io.backstop.api.analysis.ObjectKind;
import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.analysis.rule.Rule;
import io.backstop.jdbc.analysis.scan.Keyword;
import io.backstop.jdbc.analysis.scan.Names;
import io.backstop.jdbc.analysis.scan.Tokens;

import java.util.List;

/** ALTER of every class of object. */
final class AlterReader implements CommandReader {
    @Override
    public String read(Cursor cursor, Reading reading) {
        cursor.require(Keyword.ALTER);
        if (cursor.accept(Keyword.SYSTEM)) {
            return system(cursor, reading);
        }
        if (cursor.accept(Keyword.DEFAULT, Keyword.PRIVILEGES)) {
            requireMore(cursor);
            reading.facts().fire(Rule.GRANT);
            return "ALTER DEFAULT PRIVILEGES";
        }
        cursor.accept(Keyword.PROCEDURAL);
        ObjectClass objects = ObjectClass.read(cursor);
        reading.facts().fire(Rule.ALTER_OBJECT);
        switch (objects) {
            case TABLE, FOREIGN_TABLE, VIEW, MATERIALIZED_VIEW, INDEX, SEQUENCE -> relation(cursor, reading, objects);
            case TYPE -> new AlterActions(cursor, reading, true).read(target(cursor, reading, objects));
            case DOMAIN -> domain(cursor, reading);
            case OWNED -> throw new NotUnderstoodException("owned objects are reassigned or dropped");
            default -> other(cursor, reading, objects);
        }
        return "ALTER " + objects.spelling();
    }

    private static String system(Cursor cursor, Reading reading) {
        if (!cursor.acceptAny(Keyword.SET, Keyword.RESET)) {
            throw new NotUnderstoodException("expected SET or RESET");
        }
        requireMore(cursor);
        reading.facts().fire(Rule.ALTER_SYSTEM);
        reading.facts().destroysBeyondRecovery(List.of(), false);
        return "ALTER SYSTEM";
    }

    private static void requireMore(Cursor cursor) {
        if (cursor.done()) {
            throw new NotUnderstoodException("expected more");
        }
        cursor.skipRest();
    }

    private static void relation(Cursor cursor, Reading reading, ObjectClass objects) {
        if (cursor.accept(Keyword.ALL, Keyword.IN, Keyword.TABLESPACE)) {
            cursor.name();
            requireMore(cursor);
            return;
        }
        RelationName name = target(cursor, reading, objects);
        if (objects == ObjectClass.SEQUENCE) {
            requireMore(cursor);
        } else {
            new AlterActions(cursor, reading, false).read(name);
        }
    }

    private static RelationName target(Cursor cursor, Reading reading, ObjectClass objects) {
        cursor.ifExists();
        int position = cursor.position();
        RelationName name = cursor.relation();
        reading.facts().target(objects.kind(), name, position);
        return name;
    }

    /** {@code DROP CONSTRAINT c CASCADE} is all of ALTER DOMAIN that takes something else with it. */
    private static void domain(Cursor cursor, Reading reading) {
        RelationName name = target(cursor, reading, ObjectClass.DOMAIN);
        boolean drops = cursor.at(Keyword.DROP);
        Tokens tokens = cursor.tokens();
        int last = cursor.end() - 1;
        requireMore(cursor);
        if (drops && tokens.keyword(last) == Keyword.CASCADE) {
            reading.facts().fire(Rule.DROP_CASCADE, name.toString());
            reading.facts().destroysBeyondRecovery(List.of(name), true);
        }
    }

    private static void other(Cursor cursor, Reading reading, ObjectClass objects) {
        cursor.ifExists();
        int position = cursor.position();
        if (Names.label(cursor.tokens(), position) && position < cursor.end()) {
            RelationName name = cursor.qualifiedLabel();
            ObjectKind kind = objects.kind();
            reading.facts().target(kind, name, position);
        }
        requireMore(cursor);
    }
}
