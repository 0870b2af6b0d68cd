package io.backstop.jdbc.internal.guard;

import io.backstop.jdbc.internal.guard.delegating.DelegatingArray;

import java.sql.Array;

/**
 * An array that is bound by its text. One of pgjdbc's own it would send in binary, and then could not say what the statement
 * is with its values in it.
 */
final class TextArray extends DelegatingArray {
    TextArray(Array array) {
        super(array);
    }

    /** The array as PostgreSQL writes it, which pgjdbc asks for in this way. */
    @Override
    public String toString() {
        return String.valueOf(array());
    }
}
