package io.backstop.jdbc.internal.pipeline.statement;

import java.sql.SQLException;

/** Reads texts as the server will read them in one session at this moment. */
public interface TextAssessor {
    /** The session's setting at this moment. */
    boolean standardConformingStrings();

    /**
     * Reads a text that is parsed and sent at once.
     *
     * @throws SQLException where pgjdbc cannot say how it would send the text
     */
    AssessedText assess(String sql) throws SQLException;

    /**
     * Reads a text that was or will be parsed at another time than it is sent, or that is sent behind others: the setting may
     * be another then.
     *
     * @throws SQLException where pgjdbc cannot say how it would send the text
     */
    AssessedText assessSentLater(String sql) throws SQLException;

    /**
     * Reads the text of a callable statement as what pgjdbc makes of its call escape in this connection: a SELECT or a CALL.
     *
     * @throws SQLException where pgjdbc does not understand it
     */
    AssessedText assessCall(String sql) throws SQLException;
}
