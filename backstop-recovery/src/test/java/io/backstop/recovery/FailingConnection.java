package io.backstop.recovery;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Set;

/** A real connection that fails once, at the n-th thing that is asked of the server. */
final class FailingConnection {
    private static final Set<String> STEPS =
            Set.of("execute", "executeQuery", "commit", "setSavepoint", "releaseSavepoint", "unwrap", "setAutoCommit");

    private final Connection connection;
    private final int failAt;
    private int steps;

    FailingConnection(Connection connection, int failAt) {
        this.connection = connection;
        this.failAt = failAt;
    }

    Connection open() {
        return wrap(Connection.class, connection);
    }

    /** Whether that step came at all. */
    boolean failed() {
        return steps >= failAt;
    }

    private <T> T wrap(Class<T> type, T target) {
        return type.cast(Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {type}, (p, method, arguments) -> {
                    if (STEPS.contains(method.getName()) && ++steps == failAt) {
                        throw new SQLException("stopped at step " + failAt, "58000");
                    }
                    try {
                        Object result = method.invoke(target, arguments);
                        if (result instanceof PreparedStatement statement) {
                            return wrap(PreparedStatement.class, statement);
                        }
                        return result instanceof Statement statement ? wrap(Statement.class, statement) : result;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                }));
    }
}
