package io.backstop.jdbc.internal.guard;

import io.backstop.api.analysis.Assessment;
import io.backstop.jdbc.internal.pipeline.statement.Submission;

import java.util.HexFormat;
import java.util.Optional;

/** A text without bound values. */
record PlainSubmission(String sql, Assessment assessment, boolean standardConformingStrings) implements Submission {
    @Override
    public Optional<String> sha256() {
        return Optional.of(HexFormat.of()
                .formatHex(ParameterHash.over(sql, standardConformingStrings).digest()));
    }
}
