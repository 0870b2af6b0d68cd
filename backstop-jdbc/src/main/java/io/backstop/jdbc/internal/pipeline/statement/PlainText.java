package io.backstop.jdbc.internal.pipeline.statement;

import java.sql.SQLException;
import java.util.Optional;

/** One text without bound values. */
public record PlainText(String sql) implements Submission {
    @Override
    public AssessedText assess(TextAssessor assessor) throws SQLException {
        return assessor.assess(sql);
    }

    @Override
    public Optional<String> sha256(AssessedText text) {
        return Optional.of(StatementDigest.hex(StatementDigest.of(text)));
    }
}
