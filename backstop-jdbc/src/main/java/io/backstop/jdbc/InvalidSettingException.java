package io.backstop.jdbc;

import java.sql.SQLNonTransientConnectionException;

/**
 * Reports a setting with which no guarded connection can be opened. The message names the setting and the values that
 * it takes; the SQLSTATE is PostgreSQL's {@code config_file_error} (PostgreSQL documentation, appendix A).
 */
public final class InvalidSettingException extends SQLNonTransientConnectionException {
    public static final String SQL_STATE = "F0000";
    private static final long serialVersionUID = 1L;

    InvalidSettingException(String problem, String hint) {
        super(problem + "\nHINT: " + hint, SQL_STATE);
    }

    InvalidSettingException(String problem, String hint, Throwable cause) {
        super(problem + "\nHINT: " + hint, SQL_STATE, cause);
    }
}
