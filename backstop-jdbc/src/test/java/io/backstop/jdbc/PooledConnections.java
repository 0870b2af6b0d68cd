package io.backstop.jdbc;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;

/** Connections as a pool hands them out: not pgjdbc's own. */
public final class PooledConnections {
    private PooledConnections() {}

    public static Connection over(Connection plain) {
        return over(plain, plain::close);
    }

    /** @param whenClosed what the pool does when it gets the connection back */
    static Connection over(Connection plain, Close whenClosed) {
        return (Connection) Proxy.newProxyInstance(
                PooledConnections.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (proxy, method, arguments) -> {
                    if (method.getName().equals("close")) {
                        whenClosed.run();
                        return null;
                    }
                    try {
                        return method.invoke(plain, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    /** A close by a pool. */
    interface Close {
        void run() throws SQLException;
    }
}
