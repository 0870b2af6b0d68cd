package io.backstop.jdbc.internal.analysis.detail;

import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.TokenList;

/** The condition {@code WHERE CURRENT OF cursor}, which means whatever row the cursor is on. Stateless, thread-safe. */
public final class CursorRow {
    private CursorRow() {}

    /** Whether a text has the condition anywhere but in a block. */
    public static boolean isMeantBy(String sql, boolean standardConformingStrings) {
        TokenList tokens = Lexer.scan(sql, standardConformingStrings);
        for (int i = 1; i < tokens.size(); i++) {
            if (tokens.keyword(i) == Keyword.OF && tokens.keyword(i - 1) == Keyword.CURRENT) {
                return true;
            }
        }
        return false;
    }
}
