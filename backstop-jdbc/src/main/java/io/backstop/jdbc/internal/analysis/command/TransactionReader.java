package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.CommandTag;
import io.backstop.jdbc.internal.analysis.grammar.CommandReader;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.Keyword;

/** Transactions and savepoints. */
final class TransactionReader implements CommandReader {
    @Override
    public CommandTag read(TokenCursor cursor, StatementReading reading) {
        return switch (cursor.keyword()) {
            case BEGIN -> {
                cursor.skip();
                cursor.acceptAny(Keyword.WORK, Keyword.TRANSACTION);
                modes(cursor);
                yield CommandTag.BEGIN;
            }
            case START -> {
                cursor.skip();
                cursor.require(Keyword.TRANSACTION);
                modes(cursor);
                yield CommandTag.START_TRANSACTION;
            }
            case COMMIT, END -> end(cursor, reading, CommandTag.COMMIT, CommandTag.COMMIT_PREPARED);
            case SAVEPOINT -> {
                cursor.skip();
                cursor.name();
                yield CommandTag.SAVEPOINT;
            }
            case RELEASE -> {
                cursor.skip();
                savepoint(cursor);
                yield CommandTag.RELEASE_SAVEPOINT;
            }
            default -> end(cursor, reading, CommandTag.ROLLBACK, CommandTag.ROLLBACK_PREPARED);
        };
    }

    private static void savepoint(TokenCursor cursor) {
        if (cursor.position() + 1 < cursor.end()) {
            cursor.require(Keyword.SAVEPOINT);
        }
        cursor.name();
    }

    private static CommandTag end(
            TokenCursor cursor, StatementReading reading, CommandTag plain, CommandTag ofPrepared) {
        cursor.skip();
        if (cursor.accept(Keyword.PREPARED)) {
            cursor.requireString();
            reading.facts().fire(Rule.TWO_PHASE_COMMIT);
            return ofPrepared;
        }
        cursor.acceptAny(Keyword.WORK, Keyword.TRANSACTION);
        if (cursor.accept(Keyword.TO)) {
            savepoint(cursor);
            return CommandTag.ROLLBACK_TO_SAVEPOINT;
        }
        if (cursor.accept(Keyword.AND)) {
            cursor.accept(Keyword.NO);
            cursor.require(Keyword.CHAIN);
        }
        cursor.requireDone();
        return plain;
    }

    private static void modes(TokenCursor cursor) {
        while (!cursor.done()) {
            boolean mode = cursor.accept(Keyword.ISOLATION, Keyword.LEVEL, Keyword.READ, Keyword.COMMITTED)
                    || cursor.accept(Keyword.ISOLATION, Keyword.LEVEL, Keyword.READ, Keyword.UNCOMMITTED)
                    || cursor.accept(Keyword.ISOLATION, Keyword.LEVEL, Keyword.REPEATABLE, Keyword.READ)
                    || cursor.accept(Keyword.ISOLATION, Keyword.LEVEL, Keyword.SERIALIZABLE)
                    || cursor.accept(Keyword.READ, Keyword.ONLY)
                    || cursor.accept(Keyword.READ, Keyword.WRITE)
                    || cursor.accept(Keyword.NOT, Keyword.DEFERRABLE)
                    || cursor.accept(Keyword.DEFERRABLE);
            if (!mode) {
                throw new NotUnderstoodException("expected a transaction mode");
            }
            cursor.acceptSymbol(',');
        }
    }
}
