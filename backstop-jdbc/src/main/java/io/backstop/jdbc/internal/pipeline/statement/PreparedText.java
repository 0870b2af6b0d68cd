package io.backstop.jdbc.internal.pipeline.statement;

import java.sql.SQLException;

/**
 * The text of a prepared statement: read when it is prepared, and again only where the session's settings have changed what
 * it means. Belongs to one statement; not thread-safe.
 */
public final class PreparedText {
    private AssessedText latest;

    public PreparedText(String sql, TextAssessor assessor) throws SQLException {
        this.latest = assessor.assessSentLater(sql);
    }

    /** As it was read last. */
    public AssessedText latest() {
        return latest;
    }

    /** Read again where the setting of how strings are read has changed. */
    public AssessedText assess(TextAssessor assessor) throws SQLException {
        if (latest.standardConformingStrings() != assessor.standardConformingStrings()) {
            latest = assessor.assessSentLater(latest.sql());
        }
        return latest;
    }
}
