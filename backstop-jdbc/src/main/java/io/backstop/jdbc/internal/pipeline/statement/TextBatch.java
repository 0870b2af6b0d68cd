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

    /**
     * Each text by itself, as the server reads it if nothing changes in between; and all as one, for what does change.
     * The worse counts.
     */
    @Override
    public AssessedText assess(TextAssessor assessor) throws SQLException {
        List<StatementAssessment> statements = new ArrayList<>();
        for (String each : texts) {
            statements.addAll(assessor.assess(each).assessment().statements());
        }
        Assessment apart = Assessment.of(statements);
        AssessedText together = assessor.assess(String.join(";\n", texts));
        return together.assessment().risk().compareTo(apart.risk()) > 0 ? together : together.assessedAs(apart);
    }

    @Override
    public Optional<String> sha256(AssessedText text) {
        return Optional.of(StatementDigest.hex(StatementDigest.of(text)));
    }
}
