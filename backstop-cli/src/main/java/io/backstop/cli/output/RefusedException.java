package io.backstop.cli.output;

/** A safety check said no; the message says which and what to do. */
public final class RefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    public RefusedException(String problem, String hint) {
        super(problem + "\nHINT: " + hint);
    }
}
