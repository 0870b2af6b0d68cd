package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RemovedDefinition;
import io.backstop.jdbc.internal.analysis.grammar.CommandReader;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.Keyword;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** GRANT, REVOKE, REASSIGN OWNED, COMMENT, SECURITY LABEL and IMPORT FOREIGN SCHEMA. */
final class GrantReader implements CommandReader {
    @Override
    public CommandTag read(TokenCursor cursor, StatementReading reading) {
        return switch (cursor.keyword()) {
            case GRANT -> through(cursor, reading, Keyword.TO, Rule.GRANT, CommandTag.GRANT);
            case REVOKE -> {
                revoked(new TokenCursor(cursor.tokens(), cursor.rest()), reading);
                yield through(cursor, reading, Keyword.FROM, Rule.GRANT, CommandTag.REVOKE);
            }
            case REASSIGN -> {
                requireSecond(cursor, Keyword.OWNED);
                yield through(cursor, reading, Keyword.TO, Rule.REASSIGN_OWNED, CommandTag.REASSIGN_OWNED);
            }
            case COMMENT -> {
                requireSecond(cursor, Keyword.ON);
                uncommented(new TokenCursor(cursor.tokens(), cursor.rest()), reading);
                yield through(cursor, reading, Keyword.IS, Rule.COMMENT, CommandTag.COMMENT);
            }
            case SECURITY -> {
                requireSecond(cursor, Keyword.LABEL);
                yield through(cursor, reading, Keyword.IS, Rule.COMMENT, CommandTag.SECURITY_LABEL);
            }
            default -> {
                requireSecond(cursor, Keyword.FOREIGN);
                yield through(
                        cursor, reading, Keyword.INTO, Rule.IMPORT_FOREIGN_SCHEMA, CommandTag.IMPORT_FOREIGN_SCHEMA);
            }
        };
    }

    /** What loses rights: of a class as a whole, or all in a schema, nothing is told. */
    private static void revoked(TokenCursor cursor, StatementReading reading) {
        cursor.moveTo(cursor.find(Keyword.ON, Keyword.FROM));
        if (!cursor.accept(Keyword.ON) || cursor.at(Keyword.ALL)) {
            return;
        }
        removedKind(cursor).ifPresent(kind -> {
            do {
                if (!cursor.atLabel()) {
                    return;
                }
                reading.facts().undefines(kind, cursor.qualifiedLabel());
                cursor.acceptGroup();
            } while (cursor.acceptSymbol(','));
        });
    }

    /** {@code IS NULL} takes a comment away. Others may be the first: a migration that writes many of them loses nothing. */
    private static void uncommented(TokenCursor cursor, StatementReading reading) {
        int end = cursor.end() - 1;
        if (cursor.tokens().keyword(end) != Keyword.NULL || cursor.tokens().keyword(end - 1) != Keyword.IS) {
            return;
        }
        cursor.accept(Keyword.COMMENT, Keyword.ON);
        if (cursor.accept(Keyword.COLUMN)) {
            tableOfColumn(cursor).ifPresent(table -> reading.facts().undefines(RemovedDefinition.Kind.RELATION, table));
            return;
        }
        if (cursor.at(Keyword.CONSTRAINT)
                || cursor.at(Keyword.TRIGGER)
                || cursor.at(Keyword.POLICY)
                || cursor.at(Keyword.RULE)) {
            cursor.moveTo(cursor.find(Keyword.ON, Keyword.IS));
            if (!cursor.accept(Keyword.ON)) {
                return;
            }
        }
        removedKind(cursor)
                .filter(kind -> cursor.atLabel())
                .ifPresent(kind -> reading.facts().undefines(kind, cursor.qualifiedLabel()));
    }

    /** Takes the words of a class of objects, if there are any: a name alone is a table's. */
    private static Optional<RemovedDefinition.Kind> removedKind(TokenCursor cursor) {
        boolean named = cursor.atLabel()
                && (cursor.keyword(1) == Keyword.FROM
                        || cursor.keyword(1) == Keyword.IS
                        || cursor.symbolAhead(1, '.')
                        || cursor.symbolAhead(1, ','));
        if (named) {
            return Optional.of(RemovedDefinition.Kind.RELATION);
        }
        if (cursor.accept(Keyword.TABLE)
                || cursor.accept(Keyword.FOREIGN, Keyword.TABLE)
                || cursor.accept(Keyword.VIEW)
                || cursor.accept(Keyword.MATERIALIZED, Keyword.VIEW)
                || cursor.accept(Keyword.INDEX)
                || cursor.accept(Keyword.SEQUENCE)) {
            return Optional.of(RemovedDefinition.Kind.RELATION);
        }
        if (cursor.acceptAny(Keyword.FUNCTION, Keyword.PROCEDURE, Keyword.ROUTINE, Keyword.AGGREGATE)) {
            return Optional.of(RemovedDefinition.Kind.ROUTINE);
        }
        if (cursor.acceptAny(Keyword.TYPE, Keyword.DOMAIN)) {
            return Optional.of(RemovedDefinition.Kind.TYPE);
        }
        return Optional.empty();
    }

    private static Optional<RelationName> tableOfColumn(TokenCursor cursor) {
        List<String> names = new ArrayList<>(3);
        do {
            if (!cursor.atLabel()) {
                return Optional.empty();
            }
            names.add(cursor.label());
        } while (cursor.acceptSymbol('.'));
        int table = names.size() - 2;
        return table < 0
                ? Optional.empty()
                : Optional.of(
                        table == 0
                                ? RelationName.of(names.get(0))
                                : RelationName.of(names.get(table - 1), names.get(table)));
    }

    private static void requireSecond(TokenCursor cursor, Keyword second) {
        if (cursor.keyword(1) != second) {
            throw new NotUnderstoodException("expected " + second);
        }
    }

    /** All of them end in one word and what follows it. */
    private static CommandTag through(
            TokenCursor cursor, StatementReading reading, Keyword word, Rule rule, CommandTag tag) {
        cursor.skip();
        cursor.moveTo(cursor.find(word));
        cursor.require(word);
        if (cursor.done()) {
            throw new NotUnderstoodException("expected more");
        }
        cursor.skipRest();
        reading.facts().fire(rule);
        return tag;
    }
}
