package io.backstop.jdbc.internal.analysis.grammar;

/** A statement departs from the grammar that is known here. Never leaves the analysis; carries no stack trace. */
public final class NotUnderstoodException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public NotUnderstoodException(String expected) {
        super(expected, null, false, false);
    }
}
