package io.backstop.jdbc.internal.analysis.detail;

import io.backstop.jdbc.internal.analysis.scan.IdentifierNames;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.TokenList;

import java.util.Optional;

/**
 * The cursor that one statement declares or moves: the first name of a DECLARE, the last of a FETCH or MOVE.
 *
 * @param name as the server folds it
 * @param held whether the text has HOLD, so that the cursor may outlive the transaction
 */
public record CursorName(String name, boolean held) {
    /** That of a text of one statement; empty where no name stands in its place. */
    public static Optional<CursorName> of(String sql, boolean standardConformingStrings) {
        TokenList tokens = Lexer.scan(sql, standardConformingStrings);
        int last = tokens.size() - 1;
        while (last > 0 && tokens.symbol(last, ';')) {
            last--;
        }
        int place = tokens.size() > 0 && tokens.keyword(0) == Keyword.DECLARE ? 1 : last;
        boolean held = false;
        for (int i = 0; i <= last; i++) {
            held |= tokens.keyword(i) == Keyword.HOLD;
        }
        return place > 0 && place <= last && IdentifierNames.label(tokens, place)
                ? Optional.of(new CursorName(IdentifierNames.name(tokens, place), held))
                : Optional.empty();
    }
}
