package io.backstop.jdbc.internal.pipeline.session;

import java.sql.SQLException;

/** Cancels what the server does for a session at the moment. */
interface QueryCanceller {
    void cancelQuery() throws SQLException;
}
