package io.backstop.snapshot.store;

import java.io.IOException;

/**
 * Reports that the store gave no conclusive answer: the request may have been carried out or not, or may still be
 * carried out later.
 */
public final class InDoubtException extends IOException {
    private static final long serialVersionUID = 1L;

    public InDoubtException(String message, Throwable cause) {
        super(message, cause);
    }
}
