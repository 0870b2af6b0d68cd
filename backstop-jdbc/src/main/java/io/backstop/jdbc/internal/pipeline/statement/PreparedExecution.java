package io.backstop.jdbc.internal.pipeline.statement;

import io.backstop.jdbc.internal.analysis.detail.SecretParameters;

import java.security.MessageDigest;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/** A prepared text with the values of one execution, or of a batch. */
public record PreparedExecution(PreparedText text, BoundValues values) implements Submission {
    @Override
    public AssessedText assess(TextAssessor assessor) throws SQLException {
        return text.assess(assessor, values.types());
    }

    @Override
    public Optional<String> preparable() {
        return text.preparable();
    }

    @Override
    public Optional<String> sha256(AssessedText read) {
        MessageDigest digest = StatementDigest.of(read);
        return values.update(digest) ? Optional.of(StatementDigest.hex(digest)) : Optional.empty();
    }

    @Override
    public List<List<String>> values(AssessedText read, SecretParameters.Names secrets) {
        List<List<String>> rows = values.texts();
        if (rows.stream().allMatch(List::isEmpty)) {
            return List.of();
        }
        SecretParameters secret = SecretParameters.in(read.sql(), read.standardConformingStrings(), secrets);
        return rows.stream().map(secret::masked).toList();
    }
}
