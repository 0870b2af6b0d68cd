package io.backstop.snapshot.store;

import java.io.IOException;

/** The store gave no answer that settles it: what it was asked to do may be done, not done, or yet be done later. */
public final class InDoubtException extends IOException {
    private static final long serialVersionUID = 1L;

    public InDoubtException(String message, Throwable cause) {
        super(message, cause);
    }
}
