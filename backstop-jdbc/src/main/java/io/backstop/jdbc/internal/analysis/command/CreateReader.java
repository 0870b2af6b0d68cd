package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RemovedDefinition;
import io.backstop.jdbc.internal.analysis.grammar.CommandReader;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.ObjectClass;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TablePersistence;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.query.QueryReader;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;
import io.backstop.jdbc.internal.analysis.scan.TokenList;

/** CREATE of every class of object. Bodies that are only stored are not judged. */
final class CreateReader implements CommandReader {
    @Override
    public CommandTag read(TokenCursor cursor, StatementReading reading) {
        cursor.require(Keyword.CREATE);
        boolean replaces = cursor.accept(Keyword.OR, Keyword.REPLACE);
        boolean temporary = TablePersistence.temporary(cursor);
        if (cursor.accept(Keyword.TABLE)) {
            return CreateTableReader.read(cursor, reading, temporary);
        }
        cursor.acceptAny(Keyword.UNIQUE, Keyword.CONSTRAINT, Keyword.RECURSIVE, Keyword.DEFAULT, Keyword.TRUSTED);
        cursor.accept(Keyword.PROCEDURAL);
        ObjectClass objects = ObjectClass.read(cursor);
        reading.facts().fire(Rule.CREATE_OBJECT);
        int position = cursor.position();
        read(cursor, reading, objects);
        if (replaces && !temporary) {
            cursor.moveTo(position);
            switch (objects) {
                case VIEW -> reading.facts().undefines(RemovedDefinition.Kind.RELATION, cursor.qualifiedLabel());
                case FUNCTION, PROCEDURE, AGGREGATE ->
                    reading.facts().undefines(RemovedDefinition.Kind.ROUTINE, cursor.qualifiedLabel());
                default -> {}
            }
            cursor.skipRest();
        }
        return objects.creating();
    }

    private static void read(TokenCursor cursor, StatementReading reading, ObjectClass objects) {
        switch (objects) {
            case MATERIALIZED_VIEW -> {
                named(cursor, reading, objects);
                cursor.moveTo(cursor.find(Keyword.AS));
                cursor.require(Keyword.AS);
                CreateTableReader.source(cursor, reading);
            }
            case VIEW -> {
                named(cursor, reading, objects);
                cursor.moveTo(cursor.find(Keyword.AS));
                cursor.require(Keyword.AS);
                if (!QueryReader.at(cursor)) {
                    throw new NotUnderstoodException("expected a query");
                }
                more(cursor);
            }
            case FUNCTION, PROCEDURE -> {
                named(cursor, reading, objects);
                body(cursor);
            }
            case CAST, TRANSFORM, USER_MAPPING, OPERATOR, INDEX, STATISTICS, SCHEMA -> more(cursor);
            case LARGE_OBJECT, OWNED, ROUTINE -> throw new NotUnderstoodException("is not created so");
            case ROLE,
                    USER,
                    GROUP,
                    DATABASE,
                    EXTENSION,
                    SEQUENCE,
                    LANGUAGE,
                    PUBLICATION,
                    TYPE,
                    FOREIGN_DATA_WRAPPER -> {
                named(cursor, reading, objects);
                cursor.skipRest();
            }
            default -> {
                named(cursor, reading, objects);
                more(cursor);
            }
        }
    }

    private static void named(TokenCursor cursor, StatementReading reading, ObjectClass objects) {
        cursor.ifNotExists();
        int position = cursor.position();
        RelationName name = cursor.qualifiedLabel();
        reading.facts().target(objects.kind(), name, position);
    }

    private static void more(TokenCursor cursor) {
        if (cursor.done()) {
            throw new NotUnderstoodException("expected more");
        }
        cursor.skipRest();
    }

    /** A BEGIN ATOMIC that finds no END would hide what follows it. */
    private static void body(TokenCursor cursor) {
        cursor.group();
        TokenList tokens = cursor.tokens();
        boolean semicolons = false;
        while (!cursor.done()) {
            semicolons |= tokens.kind(cursor.position()) == TokenKind.SYMBOL && cursor.atSymbol(';');
            cursor.skip();
        }
        if (semicolons && tokens.keyword(cursor.end() - 1) != Keyword.END) {
            throw new NotUnderstoodException("expected END");
        }
    }
}
