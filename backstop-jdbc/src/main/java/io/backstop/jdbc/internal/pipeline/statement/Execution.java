package io.backstop.jdbc.internal.pipeline.statement;

import org.jspecify.annotations.Nullable;

import java.sql.SQLException;
import java.sql.Statement;

/** How a statement is sent, once it may be. */
public interface Execution<T extends @Nullable Object> extends ServerCall<T> {
    /** How many rows each statement of a batch changed, negative where the driver does not know; empty for no batch. */
    long[] batchCounts(T result);

    /**
     * Whether it can be run again where its effects were rolled back: a batch is gone after its first run, and so is what was
     * read from a stream. Anything else would be sent with other values the second time.
     */
    boolean repeatable();

    /** Whether it sends a batch. */
    default boolean isBatch() {
        return false;
    }

    /** What is run, for settings that have to change while it runs. */
    Statement statement();

    /** The same, with something before or after it. */
    default Execution<T> sentBy(ServerCall<T> call) {
        Execution<T> execution = this;
        return new Execution<>() {
            @Override
            public T run() throws SQLException {
                return call.run();
            }

            @Override
            public long[] batchCounts(T result) {
                return execution.batchCounts(result);
            }

            @Override
            public boolean repeatable() {
                return execution.repeatable();
            }

            @Override
            public boolean isBatch() {
                return execution.isBatch();
            }

            @Override
            public Statement statement() {
                return execution.statement();
            }
        };
    }
}
