package io.backstop.jdbc.internal.pipeline.statement;

import java.security.MessageDigest;
import java.sql.SQLException;
import java.util.Optional;

/** A prepared text with the values of one execution, or of a batch. */
public record PreparedExecution(PreparedText text, BoundValues values) implements Submission {
    @Override
    public AssessedText assess(TextAssessor assessor) throws SQLException {
        return text.assess(assessor);
    }

    @Override
    public Optional<String> preparable() {
        return text.preparable();
    }

    @Override
    public Optional<String> sha256(AssessedText read) {
        if (!values.complete()) {
            return Optional.empty();
        }
        MessageDigest digest = StatementDigest.of(read);
        values.update(digest);
        return Optional.of(StatementDigest.hex(digest));
    }
}
