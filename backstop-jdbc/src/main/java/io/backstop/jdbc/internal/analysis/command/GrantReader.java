package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.CommandTag;
import io.backstop.jdbc.internal.analysis.grammar.CommandReader;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.Keyword;

/** GRANT, REVOKE, REASSIGN OWNED, COMMENT, SECURITY LABEL and IMPORT FOREIGN SCHEMA. */
final class GrantReader implements CommandReader {
    @Override
    public CommandTag read(TokenCursor cursor, StatementReading reading) {
        return switch (cursor.keyword()) {
            case GRANT -> through(cursor, reading, Keyword.TO, Rule.GRANT, CommandTag.GRANT);
            case REVOKE -> through(cursor, reading, Keyword.FROM, Rule.GRANT, CommandTag.REVOKE);
            case REASSIGN -> {
                requireSecond(cursor, Keyword.OWNED);
                yield through(cursor, reading, Keyword.TO, Rule.REASSIGN_OWNED, CommandTag.REASSIGN_OWNED);
            }
            case COMMENT -> {
                requireSecond(cursor, Keyword.ON);
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
