package io.backstop.jdbc.guard;

import io.backstop.api.analysis.Assessment;
import io.backstop.jdbc.pipeline.Submission;

import java.util.HexFormat;
import java.util.Optional;

/** A text without bound values. */
record StatementText(String sql, Assessment assessment, boolean standardConformingStrings) implements Submission {
    @Override
    public Optional<String> sha256() {
        return Optional.of(HexFormat.of()
                .formatHex(ParameterHash.over(sql, standardConformingStrings).digest()));
    }
}
