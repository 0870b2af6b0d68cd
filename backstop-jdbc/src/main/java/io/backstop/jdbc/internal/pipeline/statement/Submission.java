package io.backstop.jdbc.internal.pipeline.statement;

import io.backstop.api.analysis.Assessment;

import java.util.Optional;

/** A text that is about to be sent to the server, with what was found out about it. */
public interface Submission {
    String sql();

    Assessment assessment();

    /** Whether backslashes in its ordinary strings are just that: how it was read, for {@code SecretMask}. */
    boolean standardConformingStrings();

    /**
     * SHA-256 over the text and the values bound to it, in lower-case hex; empty where values are bound that can be read
     * only once. Over a text without values it is the SHA-256 of the text.
     */
    Optional<String> sha256();
}
