package io.backstop.jdbc.internal.pipeline.statement;

import io.backstop.jdbc.internal.analysis.detail.SecretParameters;

import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/** What a caller hands to JDBC for execution. */
public interface Submission {
    /** Reads it as the server will read it. Within the session's turn, so that no other thread changes a setting. */
    AssessedText assess(TextAssessor assessor) throws SQLException;

    /** The text as JDBC can prepare it, to have the server parse it and no more; empty where that would be another text. */
    Optional<String> preparable();

    /**
     * SHA-256 over the text and the values bound to it, in lower-case hex; empty where a value can be read only once.
     *
     * @param text what {@link #assess} returned
     */
    Optional<String> sha256(AssessedText text);

    /**
     * The values bound to it as text, a list for each row of a batch, of which there may be too many to tell all; empty where
     * nothing is bound.
     *
     * @param text what {@link #assess} returned
     * @param secrets tells which of them are not to be written down
     */
    default List<List<String>> values(AssessedText text, SecretParameters.Names secrets) {
        return List.of();
    }
}
