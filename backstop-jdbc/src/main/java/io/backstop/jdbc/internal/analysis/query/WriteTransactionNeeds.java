package io.backstop.jdbc.internal.analysis.query;

import io.backstop.jdbc.internal.analysis.scan.IdentifierNames;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.Set;

/**
 * Finds what a read-only transaction refuses although it changes no row: row locks and nextval, wherever they stand
 * (documentation of SET TRANSACTION). Stateless, thread-safe.
 */
public final class WriteTransactionNeeds {
    /** The second is refused in a subtransaction, behind whose savepoint the caller's transaction is read-only. */
    private static final Set<String> FUNCTIONS = Set.of("nextval", "pg_export_snapshot");

    private WriteTransactionNeeds() {}

    public static boolean in(TokenList tokens, TokenSpan statement) {
        for (int i = statement.from(); i + 1 < statement.to(); i++) {
            if (locksRows(tokens, i) || isRefused(tokens, i)) {
                return true;
            }
        }
        return false;
    }

    /** {@code FOR UPDATE}, {@code FOR NO KEY UPDATE}, {@code FOR SHARE}, {@code FOR KEY SHARE}. */
    private static boolean locksRows(TokenList tokens, int i) {
        return tokens.keyword(i) == Keyword.FOR
                && switch (tokens.keyword(i + 1)) {
                    case UPDATE, SHARE, NO, KEY -> true;
                    default -> false;
                };
    }

    private static boolean isRefused(TokenList tokens, int i) {
        return tokens.symbol(i + 1, '(')
                && IdentifierNames.label(tokens, i)
                && FUNCTIONS.contains(IdentifierNames.name(tokens, i));
    }
}
