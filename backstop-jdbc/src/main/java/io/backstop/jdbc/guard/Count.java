package io.backstop.jdbc.guard;

import io.backstop.jdbc.pipeline.Execution;

import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;

/** The ways in which JDBC executes, and where each tells how many rows were changed. */
final class Count {
    private Count() {}

    /** What sends a statement. */
    interface Call<T> {
        T run() throws SQLException;
    }

    /** An execution whose result is the update count. */
    static <T extends Number> Execution<T> returned(Statement statement, Call<T> call) {
        return new Described<>(statement, call, true) {
            @Override
            public long changedRows(T result) {
                return result.longValue();
            }
        };
    }

    /** An execution after which the statement knows the update count, if the answer was one. */
    static <T> Execution<T> kept(Statement statement, Call<T> call) {
        return new Described<>(statement, call, true) {
            @Override
            public long changedRows(T result) throws SQLException {
                return statement.getLargeUpdateCount();
            }
        };
    }

    /** An execution of a batch. */
    static <T> Execution<T> batch(Statement statement, Call<T> call) {
        return new Described<>(statement, call, false) {
            @Override
            public long changedRows(T result) {
                // A negative count is one that the driver does not know.
                return Arrays.stream(counts(result)).anyMatch(count -> count < 0)
                        ? -1
                        : Arrays.stream(counts(result)).sum();
            }

            @Override
            public long mostChangedRows(T result) {
                return Arrays.stream(counts(result)).max().orElse(0);
            }
        };
    }

    private static long[] counts(Object result) {
        return result instanceof int[] ints ? Arrays.stream(ints).asLongStream().toArray() : (long[]) result;
    }

    private abstract static class Described<T> implements Execution<T> {
        private final Statement statement;
        private final Call<T> call;
        private final boolean repeatable;

        Described(Statement statement, Call<T> call, boolean repeatable) {
            this.statement = statement;
            this.call = call;
            this.repeatable = repeatable;
        }

        @Override
        public T run() throws SQLException {
            return call.run();
        }

        @Override
        public long mostChangedRows(T result) throws SQLException {
            return changedRows(result);
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
