package io.backstop.jdbc.analysis.read;

import io.backstop.jdbc.analysis.rule.Rule;
import io.backstop.jdbc.analysis.scan.Keyword;

/** DISCARD, LISTEN, NOTIFY, UNLISTEN and LOAD. */
final class SessionReader implements CommandReader {
    @Override
    public String read(Cursor cursor, Reading reading) {
        return switch (cursor.keyword()) {
            case DISCARD -> {
                cursor.skip();
                if (!cursor.acceptAny(Keyword.ALL, Keyword.PLANS, Keyword.SEQUENCES, Keyword.TEMP, Keyword.TEMPORARY)) {
                    throw new NotUnderstoodException("expected what to discard");
                }
                yield "DISCARD";
            }
            case LISTEN -> {
                cursor.skip();
                cursor.name();
                yield "LISTEN";
            }
            case UNLISTEN -> {
                cursor.skip();
                if (!cursor.acceptOperator("*")) {
                    cursor.name();
                }
                yield "UNLISTEN";
            }
            case NOTIFY -> {
                cursor.skip();
                cursor.name();
                if (cursor.acceptSymbol(',')) {
                    cursor.requireString();
                }
                yield "NOTIFY";
            }
            default -> {
                cursor.require(Keyword.LOAD);
                cursor.requireString();
                reading.facts().fire(Rule.LOAD_LIBRARY);
                yield "LOAD";
            }
        };
    }
}
