package io.backstop.jdbc.internal.pipeline.catalog;

import io.backstop.api.analysis.MentionedNames;
import io.backstop.jdbc.internal.analysis.rule.FunctionRules;
import io.backstop.jdbc.internal.analysis.rule.SettingRules;
import io.backstop.jdbc.internal.analysis.scan.IdentifierNames;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.NameCollector;
import io.backstop.jdbc.internal.analysis.scan.StringLiterals;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The body of a function in SQL or PL/pgSQL, which share PostgreSQL's lexer: which names stand in it, and whether what it runs
 * can be told from it. Immutable, thread-safe.
 *
 * @param names what it mentions, read under either setting of standard_conforming_strings
 * @param readable whether all that it runs is named in it, and none of that is a reviewed function that changes something
 * @param writes whether a command stands in it that may change something
 */
record FunctionBody(List<MentionedNames> names, boolean readable, boolean writes) {
    private static final Set<Keyword> WRITING = Set.of(
            Keyword.ALTER,
            Keyword.CALL,
            Keyword.CLUSTER,
            Keyword.COMMENT,
            Keyword.COPY,
            Keyword.CREATE,
            Keyword.DELETE,
            Keyword.DO,
            Keyword.DROP,
            Keyword.GRANT,
            Keyword.IMPORT,
            Keyword.INSERT,
            Keyword.MERGE,
            Keyword.REASSIGN,
            Keyword.REFRESH,
            Keyword.REINDEX,
            Keyword.REVOKE,
            Keyword.SECURITY,
            Keyword.TRUNCATE,
            Keyword.UPDATE);

    FunctionBody {
        names = List.copyOf(names);
    }

    static FunctionBody of(String source) {
        List<MentionedNames> names = new ArrayList<>(2);
        boolean readable = true;
        boolean writes = false;
        for (boolean standardStrings : source.indexOf('\\') < 0 ? new boolean[] {true} : new boolean[] {true, false}) {
            TokenList tokens = Lexer.scan(source, standardStrings);
            names.add(NameCollector.collect(tokens, new TokenSpan(0, tokens.size())));
            readable &= readable(tokens);
            writes |= writes(tokens);
        }
        return new FunctionBody(names, readable, writes);
    }

    private static boolean writes(TokenList tokens) {
        for (int i = 0; i < tokens.size(); i++) {
            if (WRITING.contains(tokens.keyword(i))) {
                return true;
            }
        }
        return false;
    }

    private static boolean readable(TokenList tokens) {
        for (int i = 0; i < tokens.size(); i++) {
            if (tokens.kind(i) == TokenKind.INVALID
                    || tokens.keyword(i) == Keyword.EXECUTE
                    || (IdentifierNames.label(tokens, i) && changes(tokens, i))) {
                return false;
            }
        }
        return true;
    }

    private static boolean changes(TokenList tokens, int i) {
        boolean called = NameCollector.mayCall(tokens, i, new TokenSpan(0, tokens.size()));
        boolean behindDot = i > 0 && tokens.symbol(i - 1, '.');
        if (!called && !behindDot) {
            return false;
        }
        String name = IdentifierNames.name(tokens, i);
        return FunctionRules.of(Optional.empty(), name).isPresent()
                || (name.equals(SettingRules.SET_CONFIG) && !setsOrdinarySetting(tokens, i));
    }

    /** {@code set_config('work_mem', …)}, which a transaction that fails takes back, and which guards nothing. */
    private static boolean setsOrdinarySetting(TokenList tokens, int i) {
        return i + 3 < tokens.size()
                && tokens.kind(i + 2).string()
                && tokens.symbol(i + 3, ',')
                && SettingRules.of(StringLiterals.value(tokens, i + 2)).isEmpty();
    }
}
