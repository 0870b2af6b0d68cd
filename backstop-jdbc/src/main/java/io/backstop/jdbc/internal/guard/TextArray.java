package io.backstop.jdbc.internal.guard;

import io.backstop.jdbc.internal.guard.delegating.DelegatingArray;

import java.sql.Array;
import java.sql.SQLException;

/**
 * An array that is bound by its text, and by what it said of itself when it was bound. One of pgjdbc's own it would send in
 * binary, and then could not say what the statement is with its values in it; one of the caller's may say something else
 * whenever it is asked.
 */
final class TextArray extends DelegatingArray {
    private final String baseTypeName;
    private final String text;

    TextArray(Array array) throws SQLException {
        super(array);
        baseTypeName = array.getBaseTypeName();
        text = array.toString();
    }

    @Override
    public String getBaseTypeName() {
        return baseTypeName;
    }

    /** The array as PostgreSQL writes it, which pgjdbc asks for in this way. */
    @Override
    public String toString() {
        return text;
    }
}
