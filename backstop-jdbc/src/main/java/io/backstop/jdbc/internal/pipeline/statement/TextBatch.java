package io.backstop.jdbc.internal.pipeline.statement;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.StatementAssessment;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A batch of texts, judged as one: the worst of its statements decides. */
public record TextBatch(List<String> texts) implements Submission {
    public TextBatch {
        texts = List.copyOf(texts);
    }

    /** Each was parsed when it was added, and is read under what those before it leave behind. */
    @Override
    public AssessedText assess(TextAssessor assessor) throws SQLException {
        List<StatementAssessment> statements = new ArrayList<>();
        for (String each : texts) {
            statements.addAll(assessor.assessSentLater(each).assessment().statements());
        }
        return new AssessedText(
                String.join(";\n", texts), Assessment.of(statements), assessor.standardConformingStrings());
    }

    @Override
    public Optional<String> preparable() {
        return Optional.empty();
    }

    @Override
    public Optional<String> sha256(AssessedText text) {
        return Optional.of(StatementDigest.ofBatch(texts, text.standardConformingStrings()));
    }
}
