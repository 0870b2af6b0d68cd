package io.backstop.jdbc.internal.pipeline.impact.columns;

import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;
import io.backstop.jdbc.internal.analysis.scan.TokenList;

import java.util.Locale;
import java.util.Set;

/**
 * Reads the body of a trigger in PL/pgSQL: whether it does nothing but compute, assign to fields of the row, raise errors and
 * return the row (PostgreSQL documentation, 43). Stateless.
 */
final class TriggerBody {
    /** What begins a command of SQL, or has one run, or gives a row another name. */
    private static final Set<String> RUNNING = Set.of(
            "abort",
            "alias",
            "alter",
            "analyse",
            "analyze",
            "call",
            "checkpoint",
            "cluster",
            "comment",
            "commit",
            "copy",
            "create",
            "deallocate",
            "delete",
            "discard",
            "do",
            "drop",
            "execute",
            "explain",
            "fetch",
            "grant",
            "import",
            "insert",
            "into",
            "listen",
            "load",
            "lock",
            "merge",
            "move",
            "notify",
            "open",
            "perform",
            "prepare",
            "reassign",
            "refresh",
            "reindex",
            "repack",
            "reset",
            "revoke",
            "rollback",
            "savepoint",
            "security",
            "select",
            "set",
            "show",
            "table",
            "truncate",
            "unlisten",
            "update",
            "vacuum",
            "values",
            "wait",
            "with");

    private static final Set<String> ROWS = Set.of("new", "old");

    private TriggerBody() {}

    /** Whether all of it is read, and only that is in it, however the server reads backslashes. */
    static boolean onlyAssigns(String body) {
        return onlyAssigns(Lexer.scan(body, true)) && onlyAssigns(Lexer.scan(body, false));
    }

    private static boolean onlyAssigns(TokenList tokens) {
        for (int i = 0; i < tokens.size(); i++) {
            boolean harmless = switch (tokens.kind(i)) {
                case WORD -> isHarmless(tokens, i);
                case QUOTED_NAME -> !ROWS.contains(tokens.written(i).replace("\"", ""));
                case UNICODE_NAME, INVALID -> false;
                default -> true;
            };
            if (!harmless) {
                return false;
            }
        }
        return true;
    }

    private static boolean isHarmless(TokenList tokens, int i) {
        if (i > 0 && tokens.symbol(i - 1, '.')) {
            return true; // a field
        }
        String word = word(tokens, i);
        if (ROWS.contains(word)) {
            return isSymbol(tokens, i + 1, '.')
                    || (word(tokens, i - 1).equals("return") && isSymbol(tokens, i + 1, ';'));
        }
        if (word.equals("return")) {
            String what = word(tokens, i + 1);
            return (ROWS.contains(what) || what.equals("null")) && isSymbol(tokens, i + 2, ';');
        }
        return !RUNNING.contains(word)
                || (word.equals("with") && word(tokens, i + 1).equals("time"));
    }

    private static boolean isSymbol(TokenList tokens, int i, char symbol) {
        return i < tokens.size() && tokens.symbol(i, symbol);
    }

    /** Folded; empty where there is none. */
    private static String word(TokenList tokens, int i) {
        return i >= 0 && i < tokens.size() && tokens.kind(i) == TokenKind.WORD
                ? tokens.written(i).toLowerCase(Locale.ROOT)
                : "";
    }
}
