package io.backstop.jdbc;

import io.backstop.api.error.BackstopException;

import java.sql.BatchUpdateException;
import java.sql.SQLException;
import java.sql.Statement;

/** Executes batches of which a test wants to know why Backstop refused them, and not that they were batches. */
final class BatchRefusal {
    private BatchRefusal() {}

    /** @throws BackstopException the refusal itself */
    static int[] execute(Statement batch) throws SQLException {
        try {
            return batch.executeBatch();
        } catch (BatchUpdateException e) {
            throw refusal(e);
        }
    }

    /** The same by the other method. */
    static long[] executeLarge(Statement batch) throws SQLException {
        try {
            return batch.executeLargeBatch();
        } catch (BatchUpdateException e) {
            throw refusal(e);
        }
    }

    private static SQLException refusal(BatchUpdateException failure) {
        return failure.getCause() instanceof BackstopException refusal ? refusal : failure;
    }
}
