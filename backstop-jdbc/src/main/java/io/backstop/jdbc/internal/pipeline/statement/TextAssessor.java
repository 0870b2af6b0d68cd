package io.backstop.jdbc.internal.pipeline.statement;

import java.sql.SQLException;

/** Reads texts as the server will read them in one session at this moment. */
public interface TextAssessor {
    /** The session's setting at this moment. */
    boolean standardConformingStrings();

    /** @throws SQLException where pgjdbc cannot say how it would send the text */
    AssessedText assess(String sql) throws SQLException;
}
