package io.backstop.jdbc;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;

/** Connections as a pool hands them out: not pgjdbc's own. */
public final class PooledConnections {
    private PooledConnections() {}

    public static Connection over(Connection plain) {
        return (Connection) Proxy.newProxyInstance(
                PooledConnections.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (proxy, method, arguments) -> {
                    try {
                        return method.invoke(plain, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }
}
