package io.backstop.jdbc.internal.pipeline.session;

import java.sql.SQLException;

/** Fails where a connection cannot be used any more, and says why. */
@FunctionalInterface
interface ConnectionCheck {
    void require() throws SQLException;
}
