package io.backstop.jdbc.internal.guard;

import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.ServerCall;

import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;

/** The two ways in which JDBC executes: one text, or a batch. */
final class ExecutionFactory {
    private static final long[] NO_BATCH = {};

    private ExecutionFactory() {}

    /** @param repeatable whether its values, where it has any, can be sent a second time */
    static <T> Execution<T> single(Statement statement, boolean repeatable, ServerCall<T> call) {
        return new Described<>(statement, call, repeatable) {
            @Override
            public long[] batchCounts(T result) {
                return NO_BATCH;
            }
        };
    }

    /** @param call its result is {@code int[]} or {@code long[]} */
    static <T> Execution<T> batch(Statement statement, ServerCall<T> call) {
        return new Described<>(statement, call, false) {
            @Override
            public long[] batchCounts(T result) {
                return result instanceof int[] ints
                        ? Arrays.stream(ints).asLongStream().toArray()
                        : (long[]) result;
            }

            @Override
            public boolean isBatch() {
                return true;
            }
        };
    }

    private abstract static class Described<T> implements Execution<T> {
        private final Statement statement;
        private final ServerCall<T> call;
        private final boolean repeatable;

        Described(Statement statement, ServerCall<T> call, boolean repeatable) {
            this.statement = statement;
            this.call = call;
            this.repeatable = repeatable;
        }

        @Override
        public T run() throws SQLException {
            return call.run();
        }

        @Override
        public boolean repeatable() {
            return repeatable;
        }

        @Override
        public Statement statement() {
            return statement;
        }
    }
}
