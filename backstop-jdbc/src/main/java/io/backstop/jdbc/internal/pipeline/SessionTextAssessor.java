package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.MentionedNames;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;
import io.backstop.jdbc.internal.pipeline.statement.TextAssessor;

import java.sql.SQLException;

/** Reads texts with the settings that a session has at this moment. As thread-safe as the session. */
record SessionTextAssessor(SqlAnalyzer analyzer, GuardedSession session) implements TextAssessor {
    @Override
    public boolean standardConformingStrings() {
        return session.standardConformingStrings();
    }

    /** As it was written, and as pgjdbc sends it where it rewrites it; the worse of the two. */
    @Override
    public AssessedText assess(String sql) throws SQLException {
        if (session.keepsParsedTexts()) {
            return assessSentLater(sql);
        }
        boolean conforming = session.standardConformingStrings();
        Assessment written = analyzer.assess(sql, conforming);
        String sent = sent(sql);
        Assessment read = sent.equals(sql) ? written : worse(written, analyzer.assess(sent, conforming));
        return new AssessedText(sql, read, conforming);
    }

    @Override
    public AssessedText assessSentLater(String sql) throws SQLException {
        boolean conforming = session.standardConformingStrings();
        Assessment written = analyzer.assessSentLater(sql, conforming);
        String sent = sent(sql);
        if (sent.equals(sql)) {
            return new AssessedText(sql, written, conforming);
        }
        Assessment read = worse(written, analyzer.assessSentLater(sent, conforming));
        return new AssessedText(
                sql, session.mayHaveSentOtherwise(sql) ? SqlAnalyzer.readOtherwise(read) : read, conforming);
    }

    @Override
    public AssessedText assessCall(String sql) throws SQLException {
        boolean conforming = session.standardConformingStrings();
        Assessment read = analyzer.assessSentLater(session.sentCall(sql), conforming);
        boolean certain = sql.indexOf('{') < 0 || sql.indexOf('\\') < 0;
        return new AssessedText(
                sql, certain ? read : worse(analyzer.assessSentLater(sql, conforming), read), conforming);
    }

    /** No copies are made of what is refused for its length. */
    private String sent(String sql) throws SQLException {
        return sql.length() > SqlAnalyzer.LONGEST_TEXT ? sql : session.sent(sql);
    }

    private static Assessment worse(Assessment written, Assessment sent) {
        return sent.risk().atLeast(written.risk()) ? mentioning(sent, written) : mentioning(written, sent);
    }

    /** A statement without parameters is sent as it was written, so the names of both count. */
    private static Assessment mentioning(Assessment worse, Assessment other) {
        MentionedNames others = MentionedNames.NONE;
        for (StatementAssessment statement : other.statements()) {
            others = others.and(statement.mentions());
        }
        MentionedNames names = others;
        return Assessment.of(worse.statements().stream()
                .map(statement -> statement.mentioning(statement.mentions().and(names)))
                .toList());
    }
}
