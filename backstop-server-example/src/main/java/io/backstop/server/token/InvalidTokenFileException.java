package io.backstop.server.token;

/** A token file cannot be used; the message names the file and the entry, and never holds anything that may be a token. */
public final class InvalidTokenFileException extends Exception {
    private static final long serialVersionUID = 1L;

    // No cause: the messages of the JSON reader repeat the text that they stumbled over.
    InvalidTokenFileException(String message) {
        super(message);
    }
}
