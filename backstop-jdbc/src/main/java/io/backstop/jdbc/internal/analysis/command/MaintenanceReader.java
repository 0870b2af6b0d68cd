package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.ObjectKind;
import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.internal.analysis.grammar.BooleanOption;
import io.backstop.jdbc.internal.analysis.grammar.CommandReader;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.Keyword;

/** What keeps tables in order: VACUUM, ANALYZE, CLUSTER, REPACK, REINDEX, REFRESH, LOCK and CHECKPOINT. */
final class MaintenanceReader implements CommandReader {
    @Override
    public CommandTag read(TokenCursor cursor, StatementReading reading) {
        return switch (cursor.keyword()) {
            case VACUUM -> vacuum(cursor, reading);
            case CLUSTER -> {
                cursor.skipRest();
                reading.facts().fire(Rule.REWRITE_STORAGE);
                yield CommandTag.CLUSTER;
            }
            case REPACK -> {
                cursor.skip();
                requireMore(cursor);
                reading.facts().fire(Rule.REWRITE_STORAGE);
                yield CommandTag.REPACK;
            }
            case REINDEX -> {
                cursor.skip();
                requireMore(cursor);
                reading.facts().fire(Rule.REWRITE_STORAGE);
                yield CommandTag.REINDEX;
            }
            case REFRESH -> refresh(cursor, reading);
            case LOCK -> {
                cursor.skip();
                requireMore(cursor);
                yield CommandTag.LOCK;
            }
            case CHECKPOINT -> {
                cursor.skip();
                cursor.acceptGroup();
                yield CommandTag.CHECKPOINT;
            }
            default -> {
                cursor.skip();
                cursor.skipRest();
                yield CommandTag.ANALYZE;
            }
        };
    }

    private static void requireMore(TokenCursor cursor) {
        if (cursor.done()) {
            throw new NotUnderstoodException("expected more");
        }
        cursor.skipRest();
    }

    private static CommandTag vacuum(TokenCursor cursor, StatementReading reading) {
        cursor.require(Keyword.VACUUM);
        boolean full = cursor.at(Keyword.FULL);
        if (mayAnalyze(cursor)) {
            reading.facts().nests(CommandTag.ANALYZE);
        }
        if (cursor.atSymbol('(')) {
            full = full(new TokenCursor(cursor.tokens(), cursor.group()), reading);
        }
        if (full) {
            reading.facts().fire(Rule.REWRITE_STORAGE);
        }
        cursor.skipRest();
        return CommandTag.VACUUM;
    }

    /** Whether it has the option, switched on or off: the word is reserved, so it names nothing here. */
    private static boolean mayAnalyze(TokenCursor cursor) {
        for (int i = cursor.position(); i < cursor.end(); i++) {
            Keyword keyword = cursor.tokens().keyword(i);
            if (keyword == Keyword.ANALYZE || keyword == Keyword.ANALYSE) {
                return true;
            }
        }
        return false;
    }

    private static boolean full(TokenCursor options, StatementReading reading) {
        boolean full = false;
        do {
            boolean named = options.label().equals("full");
            boolean on = true;
            if (!options.done() && !options.atSymbol(',')) {
                on = on(options, reading);
            }
            full = named ? on : full;
        } while (options.acceptSymbol(','));
        options.requireDone();
        return full;
    }

    private static boolean on(TokenCursor options, StatementReading reading) {
        String value = "";
        if (options.atString()) {
            value = reading.literal(options.position());
        } else if (options.atLiteral()) {
            value = reading.number(options.position());
        } else if (options.atLabel()) {
            value = options.label();
            options.moveTo(options.position() - 1);
        }
        options.skip();
        return BooleanOption.on(value);
    }

    private static CommandTag refresh(TokenCursor cursor, StatementReading reading) {
        if (!cursor.accept(Keyword.REFRESH, Keyword.MATERIALIZED, Keyword.VIEW)) {
            throw new NotUnderstoodException("expected MATERIALIZED VIEW");
        }
        cursor.accept(Keyword.CONCURRENTLY);
        int position = cursor.position();
        RelationName view = cursor.qualifiedName();
        reading.facts().target(ObjectKind.MATERIALIZED_VIEW, view, position);
        reading.facts().reads(view); // runs its query
        reading.facts().fire(Rule.REFRESH_MATERIALIZED_VIEW, view.toString());
        if (cursor.accept(Keyword.WITH)) {
            boolean without = cursor.accept(Keyword.NO);
            cursor.require(Keyword.DATA);
            if (without) {
                reading.facts().fire(Rule.REFRESH_WITHOUT_DATA, view.toString());
            }
        }
        return CommandTag.REFRESH_MATERIALIZED_VIEW;
    }
}
