package io.backstop.jdbc.internal.pipeline.statement;

import java.sql.SQLException;
import java.util.Optional;

/** One text without bound values. */
public record PlainText(String sql) implements Submission {
    @Override
    public AssessedText assess(TextAssessor assessor) throws SQLException {
        return assessor.assess(sql);
    }

    /** Question marks would become parameters. */
    @Override
    public Optional<String> preparable() {
        return Optional.of(sql).filter(text -> text.indexOf('?') < 0);
    }

    @Override
    public Optional<String> sha256(AssessedText text) {
        return Optional.of(StatementDigest.hex(StatementDigest.of(text)));
    }
}
