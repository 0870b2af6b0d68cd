package io.backstop.jdbc.analysis;

import io.backstop.jdbc.internal.analysis.rule.SettingRules;
import io.backstop.jdbc.internal.analysis.scan.IdentifierNames;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.StringLiterals;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;
import io.backstop.jdbc.internal.analysis.scan.TokenList;

import java.util.Locale;

/**
 * Replaces the secrets in SQL text by {@code '***'}, so that the text can be written down. Stateless, thread-safe.
 *
 * <p>A literal is a secret where the word before it says so (PASSWORD, an option or a column of such a name), where it is
 * a connection string, and where a string holds either of them.
 */
public final class SecretMask {
    private static final String MASK = "'***'";
    /** Code in dollar quotes is masked within, but not code in code in code. */
    private static final int DEEPEST = 3;

    private final TokenList tokens;
    private final boolean standardStrings;
    private final int depth;
    private final StringBuilder masked;
    private int written;

    private SecretMask(String sql, boolean standardStrings, int depth) {
        this.tokens = Lexer.scan(sql, standardStrings);
        this.standardStrings = standardStrings;
        this.depth = depth;
        this.masked = new StringBuilder(sql.length());
    }

    /**
     * The text for logs, audit and approvals.
     *
     * @param standardConformingStrings the setting of the session that would run it
     */
    public static String mask(String sql, boolean standardConformingStrings) {
        return mask(sql, standardConformingStrings, 0);
    }

    private static String mask(String sql, boolean standardStrings, int depth) {
        return new SecretMask(sql, standardStrings, depth).mask();
    }

    private String mask() {
        boolean rest = false;
        for (int i = 0; i < tokens.size(); i++) {
            TokenKind kind = tokens.kind(i);
            if (kind == TokenKind.WORD && sets(i)) {
                rest = true;
            } else if (tokens.symbol(i, ')') || tokens.symbol(i, ';')) {
                rest = false;
            } else if (kind.string()) {
                string(i, rest);
            } else if (kind == TokenKind.INVALID && tokens.end(i) - tokens.start(i) > 1) {
                // Unterminated: where the secret would end cannot be known.
                replace(i, MASK);
            }
        }
        return written == 0
                ? tokens.text()
                : masked.append(tokens.text(), written, tokens.text().length()).toString();
    }

    private void string(int i, boolean secret) {
        if (secret || named(i)) {
            replace(i, MASK);
            return;
        }
        String value = StringLiterals.value(tokens, i);
        if (tokens.kind(i) == TokenKind.DOLLAR_STRING && depth < DEEPEST) {
            String inside = mask(value, standardStrings, depth + 1);
            if (!inside.equals(value)) {
                String text = tokens.written(i);
                String tag = text.substring(0, text.indexOf('$', 1) + 1);
                replace(i, tag + inside + tag);
            }
        } else if (holdsSecret(value)) {
            replace(i, MASK);
        }
    }

    private void replace(int i, String by) {
        masked.append(tokens.text(), written, tokens.start(i)).append(by);
        written = tokens.end(i);
    }

    /** {@code PASSWORD 'x'}, {@code password = 'x'}, {@code SET my.password TO 'x'}, {@code CONNECTION 'x'}. */
    private boolean named(int i) {
        int before = i - 1;
        if (before >= 0 && assigns(before)) {
            before--;
        }
        if (before < 0 || !IdentifierNames.label(tokens, before)) {
            return false;
        }
        return tokens.keyword(before) == Keyword.CONNECTION || secretName(IdentifierNames.name(tokens, before));
    }

    private boolean assigns(int i) {
        return tokens.kind(i) == TokenKind.OPERATOR
                || tokens.kind(i) == TokenKind.COLON_EQUALS
                || tokens.keyword(i) == Keyword.TO;
    }

    /** {@code set_config('my.password', 'x', …)}: what follows the name is the secret. */
    private boolean sets(int i) {
        return i + 2 < tokens.size()
                && tokens.symbol(i + 1, '(')
                && tokens.kind(i + 2).string()
                && IdentifierNames.name(tokens, i).equals(SettingRules.SET_CONFIG)
                && secretName(StringLiterals.value(tokens, i + 2));
    }

    /** Whether a name says that what it holds is a secret. */
    public static boolean secretName(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return lower.contains("password")
                || lower.contains("passwd")
                || lower.contains("passphrase")
                || lower.contains("secret")
                || lower.contains("api_key")
                || lower.contains("access_key")
                || lower.contains("private_key")
                || lower.endsWith("token");
    }

    /** Whether text holds {@code password=…}, {@code PASSWORD '…'} or {@code scheme://user:password@host}. */
    public static boolean holdsSecret(String value) {
        String lower = value.toLowerCase(Locale.ROOT);
        int at = lower.indexOf("password");
        while (at >= 0) {
            int next = at + "password".length();
            while (next < lower.length() && Character.isWhitespace(lower.charAt(next))) {
                next++;
            }
            if (next < lower.length() && (lower.charAt(next) == '=' || lower.charAt(next) == '\'')) {
                return true;
            }
            at = lower.indexOf("password", next);
        }
        return holdsUserInfo(lower);
    }

    private static boolean holdsUserInfo(String text) {
        int scheme = text.indexOf("://");
        while (scheme >= 0) {
            boolean colon = false;
            int i = scheme + 3;
            while (i < text.length() && text.charAt(i) != '/' && !Character.isWhitespace(text.charAt(i))) {
                if (text.charAt(i) == '@' && colon) {
                    return true;
                }
                colon |= text.charAt(i) == ':';
                i++;
            }
            scheme = text.indexOf("://", i);
        }
        return false;
    }
}
