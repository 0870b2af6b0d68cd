package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.CommandTag;
import io.backstop.jdbc.internal.analysis.grammar.CommandReader;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.rule.SettingRules;
import io.backstop.jdbc.internal.analysis.scan.IdentifierNames;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenList;

/** SET, RESET and SHOW. */
final class SettingReader implements CommandReader {
    @Override
    public CommandTag read(TokenCursor cursor, StatementReading reading) {
        return switch (cursor.keyword()) {
            case SET -> set(cursor, reading);
            case RESET -> {
                cursor.skip();
                reset(cursor, reading);
                yield CommandTag.RESET;
            }
            default -> {
                cursor.skip();
                words(cursor);
                yield CommandTag.SHOW;
            }
        };
    }

    /** PostgreSQL 14 makes a read-only transaction writable by it, which it does by no other way. */
    private static void reset(TokenCursor cursor, StatementReading reading) {
        TokenList tokens = cursor.tokens();
        if (!cursor.done()
                && IdentifierNames.label(tokens, cursor.position())
                && IdentifierNames.name(tokens, cursor.position())
                        .equalsIgnoreCase(SettingRules.TRANSACTION_READ_ONLY)) {
            reading.facts().fire(Rule.GUARDED_SETTING, SettingRules.TRANSACTION_READ_ONLY);
        }
        words(cursor);
    }

    private static CommandTag set(TokenCursor cursor, StatementReading reading) {
        cursor.require(Keyword.SET);
        if (cursor.accept(Keyword.CONSTRAINTS)) {
            words(cursor);
            return CommandTag.SET_CONSTRAINTS;
        }
        scope(cursor);
        if (cursor.accept(Keyword.SESSION, Keyword.AUTHORIZATION)) {
            words(cursor);
            reading.facts().fire(Rule.SET_ROLE);
            return CommandTag.SET_SESSION_AUTHORIZATION;
        }
        if (cursor.accept(Keyword.SESSION, Keyword.CHARACTERISTICS, Keyword.AS, Keyword.TRANSACTION)
                || (cursor.at(Keyword.TRANSACTION) && !assigns(cursor))) {
            cursor.accept(Keyword.TRANSACTION);
            modes(cursor, reading);
            return CommandTag.SET_TRANSACTION;
        }
        if (assigns(cursor)) {
            assign(cursor, reading);
            return CommandTag.SET;
        }
        return special(cursor, reading);
    }

    /** READ WRITE lifts what guards rows: the server's refusal of writes. */
    private static void modes(TokenCursor cursor, StatementReading reading) {
        TokenList tokens = cursor.tokens();
        for (int i = cursor.position(); i + 1 < cursor.end(); i++) {
            if (tokens.keyword(i) == Keyword.READ && tokens.keyword(i + 1) == Keyword.WRITE) {
                reading.facts().fire(Rule.GUARDED_SETTING, SettingRules.TRANSACTION_READ_ONLY);
            }
        }
        words(cursor);
    }

    /** SESSION and LOCAL are also names, but then TO or = follows. */
    private static void scope(TokenCursor cursor) {
        boolean ownName = cursor.keyword(1) == Keyword.AUTHORIZATION || cursor.keyword(1) == Keyword.CHARACTERISTICS;
        if (!assigns(cursor) && !ownName) {
            cursor.acceptAny(Keyword.SESSION, Keyword.LOCAL);
        }
    }

    private static CommandTag special(TokenCursor cursor, StatementReading reading) {
        if (cursor.accept(Keyword.ROLE)) {
            words(cursor);
            reading.facts().fire(Rule.SET_ROLE);
            return CommandTag.SET_ROLE;
        }
        if (cursor.accept(Keyword.TIME, Keyword.ZONE)
                || cursor.accept(Keyword.XML, Keyword.OPTION)
                || cursor.acceptAny(Keyword.NAMES, Keyword.SCHEMA, Keyword.CATALOG)) {
            cursor.skipRest();
            return CommandTag.SET;
        }
        throw new NotUnderstoodException("expected a setting");
    }

    /** Whether {@code name TO}, {@code name =} or {@code name FROM CURRENT} stands here. */
    private static boolean assigns(TokenCursor cursor) {
        TokenCursor ahead = new TokenCursor(cursor.tokens(), cursor.rest());
        if (!ahead.atName()) {
            return false;
        }
        ahead.qualifiedName();
        return ahead.at(Keyword.TO) || ahead.acceptOperator("=") || ahead.at(Keyword.FROM, Keyword.CURRENT);
    }

    private static void assign(TokenCursor cursor, StatementReading reading) {
        String name = cursor.qualifiedName().toString();
        if (!cursor.acceptOperator("=")) {
            cursor.skip();
        }
        words(cursor);
        SettingRules.of(name).ifPresent(rule -> reading.facts().fire(rule, name));
    }

    /** Words, literals, signs, dots and commas, at least one. */
    private static void words(TokenCursor cursor) {
        if (cursor.done()) {
            throw new NotUnderstoodException("expected a name or a value");
        }
        TokenList tokens = cursor.tokens();
        while (!cursor.done()) {
            int i = cursor.position();
            boolean allowed = cursor.atLabel()
                    || cursor.atLiteral()
                    || cursor.atParameter()
                    || cursor.atSymbol(',')
                    || cursor.atSymbol('.')
                    || tokens.operator(i, "-")
                    || tokens.operator(i, "+");
            if (!allowed) {
                throw new NotUnderstoodException("expected a name or a value");
            }
            cursor.skip();
        }
    }
}
