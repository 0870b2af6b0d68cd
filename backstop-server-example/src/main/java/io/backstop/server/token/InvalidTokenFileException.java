package io.backstop.server.token;

/** A token file cannot be used. The message names the file and the entry, and repeats nothing that may be a token. */
public final class InvalidTokenFileException extends Exception {
    private static final long serialVersionUID = 1L;

    // Has no cause: the messages of the JSON reader repeat the text that they could not read.
    InvalidTokenFileException(String message) {
        super(message);
    }
}
