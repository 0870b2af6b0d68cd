package io.backstop.jdbc.internal.analysis.detail;

import io.backstop.jdbc.internal.analysis.rule.SettingRules;
import io.backstop.jdbc.internal.analysis.scan.IdentifierNames;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.StringLiterals;
import io.backstop.jdbc.internal.analysis.scan.TokenList;

import java.util.Locale;
import java.util.Set;

/**
 * The modes that a BEGIN, START TRANSACTION, SET TRANSACTION or SET default_transaction_read_only names; the last of a text
 * counts, as on the server. Immutable,
 * thread-safe.
 *
 * @param access READ ONLY or READ WRITE, or neither
 * @param ofSession whether they are for the session
 */
public record TransactionModes(Access access, boolean ofSession) {
    private static final Set<String> ON = Set.of("on", "true", "yes", "1", "t", "y");

    /** What a transaction may do, as its modes say. */
    public enum Access {
        READ_ONLY,
        READ_WRITE,
        AS_THE_SESSION
    }

    /** Those of a text that begins a transaction or sets one's modes. */
    public static TransactionModes of(String sql, boolean standardConformingStrings) {
        TokenList tokens = Lexer.scan(sql, standardConformingStrings);
        Access access = Access.AS_THE_SESSION;
        boolean ofSession = false;
        for (int i = 0; i < tokens.size(); i++) {
            if (i > 0 && tokens.keyword(i - 1) == Keyword.READ) {
                if (tokens.keyword(i) == Keyword.ONLY) {
                    access = Access.READ_ONLY;
                } else if (tokens.keyword(i) == Keyword.WRITE) {
                    access = Access.READ_WRITE;
                }
            }
            ofSession |= tokens.keyword(i) == Keyword.CHARACTERISTICS;
            if (i + 2 < tokens.size()
                    && IdentifierNames.label(tokens, i)
                    && IdentifierNames.name(tokens, i).equalsIgnoreCase(SettingRules.DEFAULT_READ_ONLY)) {
                ofSession = true;
                access = ON.contains(value(tokens, i + 2)) ? Access.READ_ONLY : Access.READ_WRITE;
            }
        }
        return new TransactionModes(access, ofSession);
    }

    /** Whether the COMMIT or ROLLBACK with which a text begins has another transaction of the same modes follow. */
    public static boolean chainsFirst(String sql, boolean standardConformingStrings) {
        TokenList tokens = Lexer.scan(sql, standardConformingStrings);
        for (int i = 1; i < tokens.size() && !tokens.symbol(i, ';'); i++) {
            if (tokens.keyword(i) == Keyword.CHAIN) {
                return tokens.keyword(i - 1) == Keyword.AND;
            }
        }
        return false;
    }

    /** Whether a COMMIT or ROLLBACK of the text may have another transaction of the same modes follow. */
    public static boolean chains(String sql, boolean standardConformingStrings) {
        TokenList tokens = Lexer.scan(sql, standardConformingStrings);
        for (int i = 1; i < tokens.size(); i++) {
            if (tokens.keyword(i) == Keyword.CHAIN && tokens.keyword(i - 1) == Keyword.AND) {
                return true;
            }
        }
        return false;
    }

    private static String value(TokenList tokens, int i) {
        String written = tokens.kind(i).string() ? StringLiterals.value(tokens, i) : tokens.written(i);
        return written.toLowerCase(Locale.ROOT);
    }

    public boolean readOnly() {
        return access == Access.READ_ONLY;
    }
}
