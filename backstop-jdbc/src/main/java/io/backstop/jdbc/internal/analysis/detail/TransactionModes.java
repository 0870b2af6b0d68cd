package io.backstop.jdbc.internal.analysis.detail;

import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.TokenList;

/**
 * The modes that a BEGIN, START TRANSACTION or SET TRANSACTION names: whether READ ONLY is among them, and whether they are
 * for the session. Immutable, thread-safe.
 */
public record TransactionModes(boolean readOnly, boolean ofSession) {
    /** Those of a text that begins a transaction or sets one's modes. */
    public static TransactionModes of(String sql, boolean standardConformingStrings) {
        TokenList tokens = Lexer.scan(sql, standardConformingStrings);
        boolean readOnly = false;
        boolean ofSession = false;
        for (int i = 0; i < tokens.size(); i++) {
            readOnly |= tokens.keyword(i) == Keyword.ONLY && i > 0 && tokens.keyword(i - 1) == Keyword.READ;
            ofSession |= tokens.keyword(i) == Keyword.CHARACTERISTICS;
        }
        return new TransactionModes(readOnly, ofSession);
    }
}
