package io.backstop.jdbc.internal.analysis.detail;

import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenList;

/**
 * Whether a text holds a COPY whose other end is on the server: a program or a file. Read by tokens, so that no comment and
 * no string ends the command. Stateless.
 */
public final class ServerCopies {
    private ServerCopies() {}

    /** Whether a COPY names a program. */
    public static boolean runsProgram(String text) {
        return NestedTexts.scan(text).stream().anyMatch(tokens -> holds(tokens, true));
    }

    /** Whether a COPY is to or from a string, which names a file. */
    public static boolean opensFile(String text) {
        return NestedTexts.scan(text).stream().anyMatch(tokens -> holds(tokens, false));
    }

    private static boolean holds(TokenList tokens, boolean program) {
        boolean copies = false;
        for (int i = 0; i < tokens.size(); i++) {
            if (tokens.symbol(i, ';')) {
                copies = false;
            } else if (tokens.keyword(i) == Keyword.COPY) {
                copies = true;
            } else if (copies
                    && (program
                            ? tokens.keyword(i) == Keyword.PROGRAM
                            : isDirection(tokens, i) && isText(tokens, i + 1))) {
                return true;
            }
        }
        return false;
    }

    private static boolean isDirection(TokenList tokens, int i) {
        return tokens.keyword(i) == Keyword.TO || tokens.keyword(i) == Keyword.FROM;
    }

    private static boolean isText(TokenList tokens, int i) {
        return i < tokens.size() && tokens.kind(i).string();
    }
}
