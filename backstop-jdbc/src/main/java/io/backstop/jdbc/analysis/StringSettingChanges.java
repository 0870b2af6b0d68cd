package io.backstop.jdbc.analysis;

import io.backstop.jdbc.internal.analysis.scan.IdentifierNames;
import io.backstop.jdbc.internal.analysis.scan.StringLiterals;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.List;
import java.util.Locale;

/**
 * Finds texts whose first statements change how the server reads the rest: a driver sends them one by one, so after
 * {@code SET standard_conforming_strings = off} a backslash hides a quote that was seen here. Stateless, thread-safe.
 */
final class StringSettingChanges {
    private static final String SETTING = "standard_conforming_strings";

    private StringSettingChanges() {}

    /** Whether one of several statements names the setting. */
    static boolean change(TokenList tokens, List<TokenSpan> statements) {
        return statements.size() > 1 && named(tokens);
    }

    private static boolean named(TokenList tokens) {
        for (int i = 0; i < tokens.size(); i++) {
            boolean setting = IdentifierNames.label(tokens, i)
                    ? IdentifierNames.name(tokens, i).toLowerCase(Locale.ROOT).equals(SETTING)
                    : tokens.kind(i).string()
                            && StringLiterals.value(tokens, i)
                                    .toLowerCase(Locale.ROOT)
                                    .equals(SETTING);
            if (setting) {
                return true;
            }
        }
        return false;
    }

    /** Whether there is a string that the setting changes. */
    static boolean matter(TokenList tokens) {
        for (int i = 0; i < tokens.size(); i++) {
            boolean ambiguous = tokens.kind(i) == TokenKind.PLAIN_STRING || tokens.kind(i) == TokenKind.ESCAPE_STRING;
            if (ambiguous
                    && tokens.text().substring(tokens.start(i), tokens.end(i)).indexOf('\\') >= 0) {
                return true;
            }
        }
        return false;
    }
}
