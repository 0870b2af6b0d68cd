package io.backstop.jdbc.analysis.read;

/** A statement departs from the grammar that is known here. Never leaves the analysis; carries no stack trace. */
final class NotUnderstoodException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NotUnderstoodException(String expected) {
        super(expected, null, false, false);
    }
}
