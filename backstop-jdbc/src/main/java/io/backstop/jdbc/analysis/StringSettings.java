package io.backstop.jdbc.analysis;

import io.backstop.jdbc.analysis.scan.Literals;
import io.backstop.jdbc.analysis.scan.Names;
import io.backstop.jdbc.analysis.scan.Span;
import io.backstop.jdbc.analysis.scan.TokenKind;
import io.backstop.jdbc.analysis.scan.Tokens;

import java.util.List;
import java.util.Locale;

/**
 * Finds texts whose first statements change how the server reads the rest: a driver sends them one by one, so after
 * {@code SET standard_conforming_strings = off} a backslash hides a quote that was seen here. Stateless, thread-safe.
 */
final class StringSettings {
    private static final String SETTING = "standard_conforming_strings";

    private StringSettings() {}

    /** Whether one of several statements names the setting. */
    static boolean change(Tokens tokens, List<Span> statements) {
        return statements.size() > 1 && named(tokens);
    }

    private static boolean named(Tokens tokens) {
        for (int i = 0; i < tokens.size(); i++) {
            boolean setting = Names.label(tokens, i)
                    ? Names.name(tokens, i).toLowerCase(Locale.ROOT).equals(SETTING)
                    : tokens.kind(i).string()
                            && Literals.value(tokens, i)
                                    .toLowerCase(Locale.ROOT)
                                    .equals(SETTING);
            if (setting) {
                return true;
            }
        }
        return false;
    }

    /** Whether there is a string that the setting changes. */
    static boolean matter(Tokens tokens) {
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
