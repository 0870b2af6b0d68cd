package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.ObjectKind;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RemovedDefinition;
import io.backstop.jdbc.internal.analysis.grammar.CommandReader;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.ObjectClass;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;
import io.backstop.jdbc.internal.analysis.scan.TokenList;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** DROP of every class of object. */
final class DropReader implements CommandReader {
    @Override
    public CommandTag read(TokenCursor cursor, StatementReading reading) {
        cursor.require(Keyword.DROP);
        cursor.accept(Keyword.PROCEDURAL);
        ObjectClass objects = ObjectClass.read(cursor);
        // CONCURRENTLY runs in no transaction, so that nothing can be stored with it.
        boolean concurrently = objects == ObjectClass.INDEX && cursor.accept(Keyword.CONCURRENTLY);
        List<RelationName> names = names(cursor, reading, objects);
        boolean cascade = cursor.accept(Keyword.CASCADE);
        if (!cascade) {
            cursor.accept(Keyword.RESTRICT);
        }
        cursor.requireDone();
        fire(reading, objects, names, cascade);
        if (concurrently) {
            if (cascade) {
                reading.facts().destroysBeyondRecovery(names, true);
            }
        } else {
            destroy(reading, objects, names, cascade);
            definition(objects)
                    .ifPresent(kind -> names.forEach(name -> reading.facts().undefines(kind, name, cascade)));
        }
        return objects.dropping();
    }

    private static List<RelationName> names(TokenCursor cursor, StatementReading reading, ObjectClass objects) {
        return switch (objects) {
            case OWNED -> roles(cursor, reading);
            case CAST, TRANSFORM, USER_MAPPING -> {
                described(cursor);
                yield List.of();
            }
            case RULE, TRIGGER, POLICY -> onTable(cursor, reading);
            case OPERATOR, AGGREGATE, FUNCTION, PROCEDURE, ROUTINE -> signatures(cursor, reading, objects);
            case OPERATOR_CLASS, OPERATOR_FAMILY -> {
                cursor.ifExists();
                RelationName name = cursor.qualifiedName();
                cursor.require(Keyword.USING);
                cursor.name();
                yield List.of(name);
            }
            case DATABASE -> {
                List<RelationName> names = list(cursor, reading, objects);
                cursor.accept(Keyword.WITH);
                cursor.acceptGroup();
                yield names;
            }
            case LARGE_OBJECT -> throw new NotUnderstoodException("large objects are not dropped");
            default -> list(cursor, reading, objects);
        };
    }

    private static List<RelationName> list(TokenCursor cursor, StatementReading reading, ObjectClass objects) {
        cursor.ifExists();
        List<RelationName> names = new ArrayList<>(1);
        do {
            int position = cursor.position();
            RelationName name = objects == ObjectClass.TYPE || objects == ObjectClass.DOMAIN
                    ? typeName(cursor)
                    : objects.kind() == ObjectKind.ROLE ? RelationName.of(cursor.label()) : cursor.qualifiedName();
            names.add(name);
            reading.facts().target(objects.kind(), name, position);
        } while (cursor.acceptSymbol(','));
        return names;
    }

    /** Types may be of several words and have modifiers: {@code double precision, numeric(10,2)}. */
    private static RelationName typeName(TokenCursor cursor) {
        cursor.accept(Keyword.SETOF);
        RelationName name = cursor.qualifiedLabel();
        while (!cursor.done() && !cursor.atSymbol(',') && !cursor.at(Keyword.CASCADE) && !cursor.at(Keyword.RESTRICT)) {
            if (cursor.atSymbol('(')) {
                cursor.group();
            } else {
                cursor.skip();
            }
        }
        return name;
    }

    private static List<RelationName> roles(TokenCursor cursor, StatementReading reading) {
        cursor.require(Keyword.BY);
        List<RelationName> roles = new ArrayList<>(1);
        do {
            int position = cursor.position();
            RelationName role = RelationName.of(cursor.label());
            roles.add(role);
            reading.facts().target(ObjectKind.ROLE, role, position);
        } while (cursor.acceptSymbol(','));
        return roles;
    }

    /** {@code name ON table}. */
    private static List<RelationName> onTable(TokenCursor cursor, StatementReading reading) {
        cursor.ifExists();
        int position = cursor.position();
        RelationName name = RelationName.of(cursor.name());
        cursor.require(Keyword.ON);
        reading.facts().target(ObjectKind.OTHER, name, position);
        reading.facts().undefines(RemovedDefinition.Kind.RELATION, cursor.qualifiedName());
        return List.of(name);
    }

    /** How a removed definition is looked up; empty for what is stored otherwise, or not at all. */
    private static Optional<RemovedDefinition.Kind> definition(ObjectClass objects) {
        return switch (objects) {
            case INDEX, VIEW, MATERIALIZED_VIEW, SEQUENCE -> Optional.of(RemovedDefinition.Kind.RELATION);
            case STATISTICS -> Optional.of(RemovedDefinition.Kind.STATISTICS);
            case FUNCTION, PROCEDURE, ROUTINE, AGGREGATE -> Optional.of(RemovedDefinition.Kind.ROUTINE);
            case TYPE, DOMAIN -> Optional.of(RemovedDefinition.Kind.TYPE);
            default -> Optional.empty();
        };
    }

    /** {@code f(int, text), g} and {@code +(int, int)}. */
    private static List<RelationName> signatures(TokenCursor cursor, StatementReading reading, ObjectClass objects) {
        cursor.ifExists();
        List<RelationName> names = new ArrayList<>(1);
        do {
            int position = cursor.position();
            RelationName name = objects == ObjectClass.OPERATOR ? operator(cursor) : cursor.qualifiedLabel();
            cursor.acceptGroup();
            names.add(name);
            reading.facts().target(objects.kind(), name, position);
        } while (cursor.acceptSymbol(','));
        return names;
    }

    private static RelationName operator(TokenCursor cursor) {
        TokenList tokens = cursor.tokens();
        while (cursor.symbolAhead(1, '.')) {
            cursor.label();
            cursor.skip();
        }
        int from = cursor.position();
        while (!cursor.done()
                && (tokens.kind(cursor.position()) == TokenKind.OPERATOR
                        || tokens.kind(cursor.position()) == TokenKind.PARAMETER)) {
            cursor.skip();
        }
        if (cursor.position() == from) {
            throw new NotUnderstoodException("expected an operator");
        }
        return RelationName.of(tokens.text().substring(tokens.start(from), tokens.end(cursor.position() - 1)));
    }

    /** What is named by a description: {@code CAST (a AS b)}, {@code TRANSFORM FOR t LANGUAGE l}. */
    private static void described(TokenCursor cursor) {
        int from = cursor.position();
        cursor.moveTo(cursor.find(Keyword.CASCADE, Keyword.RESTRICT));
        if (cursor.position() == from) {
            throw new NotUnderstoodException("expected a name");
        }
    }

    private static void fire(StatementReading reading, ObjectClass objects, List<RelationName> names, boolean cascade) {
        Rule rule = switch (objects) {
            case TABLE -> Rule.DROP_TABLE;
            case SCHEMA -> Rule.DROP_SCHEMA;
            case DATABASE -> Rule.DROP_DATABASE;
            case TABLESPACE -> Rule.DROP_TABLESPACE;
            case EXTENSION -> Rule.DROP_EXTENSION;
            case OWNED -> Rule.DROP_OWNED;
            default -> Rule.DROP_OBJECT;
        };
        for (RelationName name : names) {
            reading.facts().fire(rule, name.toString());
        }
        if (names.isEmpty()) {
            reading.facts().fire(rule);
        }
        if (cascade) {
            reading.facts().fire(Rule.DROP_CASCADE);
        }
    }

    private static void destroy(
            StatementReading reading, ObjectClass objects, List<RelationName> names, boolean cascade) {
        switch (objects) {
            // A foreign table's rows stay where they are, but its definition goes.
            case TABLE, FOREIGN_TABLE -> destroys(reading, Destruction.Kind.DROP_TABLE, names, cascade);
            case VIEW -> destroys(reading, Destruction.Kind.DROP_VIEW, names, cascade);
            case MATERIALIZED_VIEW -> destroys(reading, Destruction.Kind.DROP_MATERIALIZED_VIEW, names, cascade);
            case SCHEMA -> destroys(reading, Destruction.Kind.DROP_SCHEMA, names, cascade);
            case DATABASE, TABLESPACE, EXTENSION, OWNED -> reading.facts().destroysBeyondRecovery(names, cascade);
            // A rule, trigger or policy has no dependants; its table's description holds it.
            case INDEX,
                    SEQUENCE,
                    STATISTICS,
                    FUNCTION,
                    PROCEDURE,
                    ROUTINE,
                    AGGREGATE,
                    TYPE,
                    DOMAIN,
                    RULE,
                    TRIGGER,
                    POLICY -> {
                if (cascade) {
                    destroys(reading, Destruction.Kind.DROP_OBJECT, names, true);
                }
            }
            default -> {
                if (cascade) {
                    reading.facts().destroysBeyondRecovery(names, true);
                }
            }
        }
    }

    private static void destroys(
            StatementReading reading, Destruction.Kind kind, List<RelationName> names, boolean cascade) {
        reading.facts().destroys(kind, names, cascade, false);
    }
}
