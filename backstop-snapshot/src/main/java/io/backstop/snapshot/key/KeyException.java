package io.backstop.snapshot.key;

import java.io.IOException;

/** Reports that a key cannot be used, is missing or is another one. The message ends with a hint and holds no key. */
public final class KeyException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String problem;
    private final String hint;

    public KeyException(String problem, String hint) {
        super(problem + "\nHINT: " + hint);
        this.problem = problem;
        this.hint = hint;
    }

    /** The message without the hint. */
    public String problem() {
        return problem;
    }

    /** What to do next. */
    public String hint() {
        return hint;
    }
}
