package io.backstop.jdbc.internal.pipeline.statement;

import java.sql.SQLException;

/** Looks once more whether a statement may run, after it has waited for an approval, for locks or for a snapshot. */
@FunctionalInterface
public interface LastLook {
    /** @throws SQLException where it may not any more; what was done for it has to be undone */
    void require() throws SQLException;
}
