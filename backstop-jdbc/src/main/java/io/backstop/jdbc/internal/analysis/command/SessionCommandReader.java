package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.CommandTag;
import io.backstop.jdbc.internal.analysis.grammar.CommandReader;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.Keyword;

/** DISCARD, LISTEN, NOTIFY, UNLISTEN, WAIT and LOAD. */
final class SessionCommandReader implements CommandReader {
    @Override
    public CommandTag read(TokenCursor cursor, StatementReading reading) {
        return switch (cursor.keyword()) {
            case DISCARD -> {
                cursor.skip();
                if (!cursor.acceptAny(Keyword.ALL, Keyword.PLANS, Keyword.SEQUENCES, Keyword.TEMP, Keyword.TEMPORARY)) {
                    throw new NotUnderstoodException("expected what to discard");
                }
                yield CommandTag.DISCARD;
            }
            case LISTEN -> {
                cursor.skip();
                cursor.name();
                yield CommandTag.LISTEN;
            }
            case UNLISTEN -> {
                cursor.skip();
                if (!cursor.acceptOperator("*")) {
                    cursor.name();
                }
                yield CommandTag.UNLISTEN;
            }
            case NOTIFY -> {
                cursor.skip();
                cursor.name();
                if (cursor.acceptSymbol(',')) {
                    cursor.requireString();
                }
                yield CommandTag.NOTIFY;
            }
            case WAIT -> {
                if (!cursor.accept(Keyword.WAIT, Keyword.FOR, Keyword.LSN)) {
                    throw new NotUnderstoodException("expected FOR LSN");
                }
                cursor.requireString();
                if (cursor.accept(Keyword.WITH)) {
                    cursor.group();
                }
                yield CommandTag.WAIT;
            }
            default -> {
                cursor.require(Keyword.LOAD);
                cursor.requireString();
                reading.facts().fire(Rule.LOAD_LIBRARY);
                yield CommandTag.LOAD;
            }
        };
    }
}
