package io.backstop.jdbc.internal.pipeline.statement;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.StatementAssessment;

import java.security.MessageDigest;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/** What a caller hands to JDBC for execution. */
public sealed interface Submission {
    /** Reads it as the server will read it. Within the session's turn, so that no other thread changes a setting. */
    AssessedText assess(TextAssessor assessor) throws SQLException;

    /**
     * SHA-256 over the text and the values bound to it, in lower-case hex; empty where a value can be read only once.
     *
     * @param text what {@link #assess} returned
     */
    Optional<String> sha256(AssessedText text);

    /** One text without bound values. */
    record PlainText(String sql) implements Submission {
        @Override
        public AssessedText assess(TextAssessor assessor) throws SQLException {
            return assessor.assess(sql);
        }

        @Override
        public Optional<String> sha256(AssessedText text) {
            return Optional.of(HexFormat.of().formatHex(StatementDigest.of(text).digest()));
        }
    }

    /** A batch of texts, judged as one: the worst of its statements decides. */
    record TextBatch(List<String> texts) implements Submission {
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
            return Optional.of(HexFormat.of().formatHex(StatementDigest.of(text).digest()));
        }
    }

    /** A prepared text with the values of one execution, or of a batch. */
    record PreparedExecution(PreparedText text, BoundValues values) implements Submission {
        @Override
        public AssessedText assess(TextAssessor assessor) throws SQLException {
            return text.assess(assessor);
        }

        @Override
        public Optional<String> sha256(AssessedText read) {
            if (!values.complete()) {
                return Optional.empty();
            }
            MessageDigest digest = StatementDigest.of(read);
            values.update(digest);
            return Optional.of(HexFormat.of().formatHex(digest.digest()));
        }
    }
}
