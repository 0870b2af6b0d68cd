package io.backstop.jdbc.internal.analysis.detail;

import io.backstop.jdbc.analysis.SecretMask;
import io.backstop.jdbc.internal.analysis.scan.IdentifierNames;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;
import io.backstop.jdbc.internal.analysis.scan.TokenList;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Which values of a prepared text may be secrets. In a text that names nothing secret there are none; in any other only what is
 * compared with, or assigned to, a name that is not secret, outside of a secret function, is none. Immutable.
 *
 * @param all whether all may be
 * @param some whether some may be
 * @param shown the positions, from 1, of those that are not, where some may be
 */
public record SecretParameters(boolean all, boolean some, Set<Integer> shown) {
    private static final String MASK = "***";

    /** Functions of PostgreSQL and pgcrypto that take secrets, or make them. */
    private static final Set<String> FUNCTIONS = Set.of(
            "armor",
            "crypt",
            "dearmor",
            "decrypt",
            "decrypt_iv",
            "digest",
            "encrypt",
            "encrypt_iv",
            "gen_salt",
            "hmac",
            "md5",
            "set_config",
            "sha224",
            "sha256",
            "sha384",
            "sha512");

    private static final String PGP = "pgp_";
    private static final String DBLINK = "dblink";

    private static final Set<String> COMPARISONS = Set.of("=", "<>", "!=", "<", ">", "<=", ">=");

    public SecretParameters {
        shown = Set.copyOf(shown);
    }

    /**
     * The names that are secret.
     *
     * @param columns names of columns beside those that say so themselves, folded
     */
    public record Names(Set<String> columns) {
        public Names {
            columns = Set.copyOf(columns);
        }

        /** Those that say so themselves, and these columns. */
        public static Names with(Collection<Set<String>> columns) {
            Set<String> folded = new HashSet<>();
            columns.forEach(each -> each.forEach(column -> folded.add(column.toLowerCase(Locale.ROOT))));
            return new Names(folded);
        }

        boolean hold(String name) {
            String folded = name.toLowerCase(Locale.ROOT);
            return columns.contains(folded)
                    || FUNCTIONS.contains(folded)
                    || folded.startsWith(PGP)
                    || folded.startsWith(DBLINK)
                    || SecretMask.secretName(folded);
        }
    }

    /** @param sql with JDBC's question marks */
    public static SecretParameters in(String sql, boolean standardConformingStrings, Names names) {
        TokenList tokens = Lexer.scan(sql, standardConformingStrings);
        boolean some = false;
        for (int i = 0; i < tokens.size(); i++) {
            if (tokens.keyword(i) == Keyword.INSERT && !namesColumns(tokens, i)) {
                return new SecretParameters(true, true, Set.of());
            }
            some |= IdentifierNames.label(tokens, i) && names.hold(IdentifierNames.name(tokens, i));
        }
        return new SecretParameters(false, some, some ? shown(tokens, names) : Set.of());
    }

    /** Whether the columns stand between INSERT and what is inserted; which they are is not known elsewhere. */
    private static boolean namesColumns(TokenList tokens, int insert) {
        for (int i = insert + 1; i < tokens.size(); i++) {
            switch (tokens.keyword(i)) {
                case VALUES, SELECT, DEFAULT, WITH, TABLE -> {
                    return false;
                }
                default -> {
                    if (tokens.symbol(i, '(')) {
                        Keyword first = i + 1 < tokens.size() ? tokens.keyword(i + 1) : Keyword.NO_KEYWORD;
                        return first != Keyword.SELECT && first != Keyword.VALUES && first != Keyword.WITH;
                    }
                }
            }
        }
        return false;
    }

    private static Set<Integer> shown(TokenList tokens, Names names) {
        Set<Integer> shown = new HashSet<>();
        List<Boolean> secretCalls = new ArrayList<>();
        int position = 0;
        for (int i = 0; i < tokens.size(); i++) {
            if (tokens.symbol(i, '(')) {
                secretCalls.add(i > 0
                        && IdentifierNames.label(tokens, i - 1)
                        && names.hold(IdentifierNames.name(tokens, i - 1)));
            } else if (tokens.symbol(i, ')') && !secretCalls.isEmpty()) {
                secretCalls.remove(secretCalls.size() - 1);
            } else if (isQuestionMark(tokens, i)) {
                if (isQuestionMark(tokens, i + 1) && tokens.end(i) == tokens.start(i + 1)) {
                    i++; // an operator
                } else {
                    position++;
                    if (!secretCalls.contains(true) && belongsToHarmlessName(tokens, i, names)) {
                        shown.add(position);
                    }
                }
            }
        }
        return shown;
    }

    private static boolean isQuestionMark(TokenList tokens, int i) {
        return i < tokens.size()
                && tokens.kind(i) == TokenKind.PARAMETER
                && tokens.text().charAt(tokens.start(i)) == '?';
    }

    private static boolean belongsToHarmlessName(TokenList tokens, int i, Names names) {
        return i > 1
                && tokens.kind(i - 1) == TokenKind.OPERATOR
                && COMPARISONS.contains(tokens.written(i - 1))
                && IdentifierNames.label(tokens, i - 2)
                && !names.hold(IdentifierNames.name(tokens, i - 2));
    }

    /** The values in the order of their positions, those that may be secret masked. */
    public List<String> masked(List<String> values) {
        List<String> masked = new ArrayList<>();
        for (int i = 0; i < values.size(); i++) {
            boolean hidden = all || (some && !shown.contains(i + 1)) || SecretMask.holdsSecret(values.get(i));
            masked.add(hidden ? MASK : values.get(i));
        }
        return masked;
    }
}
