package io.backstop.jdbc.analysis;

import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.analysis.command.StatementReader;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.StatementSplitter;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What else the server may read in a text whose statements do not reach it all under the setting that it reported last. The
 * driver splits a text under the setting of that moment and sends its parts together; each part is read under what the
 * parts before it left behind: {@code COMMIT}, {@code RESET ALL} or a function may switch standard_conforming_strings, and a
 * backslash then hides a quote, or no longer does. Stateless, thread-safe.
 */
final class OtherReadings {
    private OtherReadings() {}

    /** Whether there can be any: without a backslash both settings read the same. */
    static boolean possible(String text) {
        return text.indexOf('\\') >= 0;
    }

    /** The statements of a text, as the driver sends them one by one. */
    static List<String> parts(TokenList tokens, List<TokenSpan> statements) {
        List<String> parts = new ArrayList<>(statements.size());
        for (TokenSpan statement : statements) {
            parts.add(tokens.text().substring(tokens.start(statement.from()), tokens.end(statement.to() - 1)));
        }
        return parts;
    }

    /**
     * The statements that the parts can be read as, as far as they are not among those that were read. What the server's lexer
     * refuses is none: the server lexes a message whole before it runs any of it.
     */
    static List<StatementAssessment> of(List<String> parts, List<StatementAssessment> read) {
        Set<StatementAssessment> others = new LinkedHashSet<>();
        for (String part : parts) {
            add(part, true, others);
            if (possible(part)) {
                add(part, false, others);
            }
        }
        others.removeAll(Set.copyOf(read));
        return List.copyOf(others);
    }

    private static void add(String part, boolean standardStrings, Set<StatementAssessment> readings) {
        TokenList tokens = Lexer.scan(part, standardStrings);
        for (int i = 0; i < tokens.size(); i++) {
            if (tokens.kind(i) == TokenKind.INVALID) {
                return;
            }
            boolean escapable = tokens.kind(i) == TokenKind.PLAIN_STRING || tokens.kind(i) == TokenKind.ESCAPE_STRING;
            if (escapable && encodingMatters(part, tokens.start(i), tokens.end(i))) {
                readings.add(StatementReader.unreadable("the encoding of the session decides where its strings end"));
                return;
            }
        }
        for (TokenSpan statement : StatementSplitter.split(tokens)) {
            readings.add(StatementReader.read(tokens, statement).assessment());
        }
    }

    /**
     * Whether a backslash that decides where a string ends follows a character beyond ASCII. The driver sends UTF-8; a server
     * whose client_encoding was switched to SJIS, BIG5, GBK or the like takes the last byte of the character and the
     * backslash for one character (documentation, 23.3).
     */
    private static boolean encodingMatters(String text, int from, int to) {
        for (int i = from + 1; i + 1 < to; i++) {
            if (text.charAt(i) == '\\'
                    && text.charAt(i - 1) > 0x7F
                    && (text.charAt(i + 1) == '\'' || text.charAt(i + 1) == '\\')) {
                return true;
            }
        }
        return false;
    }
}
