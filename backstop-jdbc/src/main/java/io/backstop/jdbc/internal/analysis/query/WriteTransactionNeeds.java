package io.backstop.jdbc.internal.analysis.query;

import io.backstop.jdbc.internal.analysis.rule.SettingRules;
import io.backstop.jdbc.internal.analysis.scan.IdentifierNames;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.NameCollector;
import io.backstop.jdbc.internal.analysis.scan.StringLiterals;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Finds what a read-only transaction refuses although it changes no row: row locks and nextval, wherever they stand
 * (documentation of SET TRANSACTION); and what would be answered otherwise in one than without: the settings that the
 * read fence changes, by which applications tell a primary from a standby. Stateless, thread-safe.
 */
public final class WriteTransactionNeeds {
    /** The second is refused in a subtransaction, behind whose savepoint the caller's transaction is read-only. */
    private static final Set<String> FUNCTIONS = Set.of("nextval", "pg_export_snapshot");

    /** What SessionFence sets, and what follows from it. */
    private static final Set<String> SETTINGS = Set.of(
            SettingRules.TRANSACTION_READ_ONLY,
            SettingRules.DEFAULT_READ_ONLY,
            "transaction_deferrable",
            "default_transaction_deferrable");

    private static final Pattern SHOWS_SESSION = Pattern.compile(
            "default_transaction|pg_settings|pg_show_all_settings|show\\s+all\\b", Pattern.CASE_INSENSITIVE);

    private WriteTransactionNeeds() {}

    public static boolean in(TokenList tokens, TokenSpan statement) {
        for (int i = statement.from(); i + 1 < statement.to(); i++) {
            if (locksRows(tokens, i) || isRefused(tokens, statement, i) || showsReadOnly(tokens, i)) {
                return true;
            }
        }
        return statement.to() > statement.from() && isViewOfSettings(tokens, statement.to() - 1);
    }

    /** Whether a text that {@link #in} finds may ask for what holds for the session and not for the transaction alone. */
    public static boolean showsSession(String sql) {
        return SHOWS_SESSION.matcher(sql).find();
    }

    private static boolean showsReadOnly(TokenList tokens, int i) {
        if (tokens.keyword(i) == Keyword.SHOW) {
            return tokens.keyword(i + 1) == Keyword.ALL
                    || (IdentifierNames.label(tokens, i + 1) && isSetting(IdentifierNames.name(tokens, i + 1)));
        }
        return isViewOfSettings(tokens, i)
                || (tokens.symbol(i + 1, '(')
                        && i + 2 < tokens.size()
                        && tokens.kind(i + 2).string()
                        && isNamed(tokens, i, "current_setting")
                        && isSetting(StringLiterals.value(tokens, i + 2)));
    }

    private static boolean isViewOfSettings(TokenList tokens, int i) {
        return isNamed(tokens, i, "pg_settings") || isNamed(tokens, i, "pg_show_all_settings");
    }

    /** Without taking a word of another length out of the text. */
    private static boolean isNamed(TokenList tokens, int i, String name) {
        boolean possible = switch (tokens.kind(i)) {
            case WORD -> tokens.end(i) - tokens.start(i) == name.length();
            case QUOTED_NAME, UNICODE_NAME -> true;
            default -> false;
        };
        return possible && IdentifierNames.name(tokens, i).equals(name);
    }

    /** Names of settings are compared without regard to case (guc.c, guc_name_compare). */
    private static boolean isSetting(String name) {
        return SETTINGS.contains(name.toLowerCase(Locale.ROOT));
    }

    /** {@code FOR UPDATE}, {@code FOR NO KEY UPDATE}, {@code FOR SHARE}, {@code FOR KEY SHARE}. */
    private static boolean locksRows(TokenList tokens, int i) {
        return tokens.keyword(i) == Keyword.FOR
                && switch (tokens.keyword(i + 1)) {
                    case UPDATE, SHARE, NO, KEY -> true;
                    default -> false;
                };
    }

    private static boolean isRefused(TokenList tokens, TokenSpan statement, int i) {
        return NameCollector.mayCall(tokens, i, statement)
                && IdentifierNames.label(tokens, i)
                && FUNCTIONS.contains(IdentifierNames.name(tokens, i));
    }
}
