package io.backstop.jdbc.internal.analysis.grammar;

import io.backstop.jdbc.internal.analysis.scan.Keyword;

/** How long a new table lives, as CREATE TABLE and SELECT INTO say it (gram.y: OptTemp, OptTempTableName). */
public final class TablePersistence {
    private TablePersistence() {}

    /** Reads {@code [GLOBAL | LOCAL] TEMP | TEMPORARY | UNLOGGED}; answers whether it is temporary. */
    public static boolean temporary(TokenCursor cursor) {
        int start = cursor.position();
        cursor.acceptAny(Keyword.GLOBAL, Keyword.LOCAL);
        boolean temporary = cursor.acceptAny(Keyword.TEMP, Keyword.TEMPORARY);
        boolean given = temporary || cursor.accept(Keyword.UNLOGGED);
        if (given && (cursor.at(Keyword.TABLE) || cursor.atName())) {
            return temporary;
        }
        // The word was the name itself: SELECT 1 INTO temp.
        cursor.moveTo(start);
        return false;
    }
}
