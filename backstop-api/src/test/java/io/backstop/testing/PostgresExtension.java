package io.backstop.testing;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.SQLException;

/**
 * Gives each test class a database of its own, which a test takes as a {@link TestDatabase} parameter. The server is
 * started once for all classes of a run and ended with it.
 */
public final class PostgresExtension implements BeforeAllCallback, AfterAllCallback, ParameterResolver {
    private static final Namespace NAMESPACE = Namespace.create(PostgresExtension.class);

    @Override
    public void beforeAll(ExtensionContext context) throws SQLException {
        PostgresServer server = server(context);
        String name = server.name(context.getRequiredTestClass());
        ExtensionContext.Store store = context.getStore(NAMESPACE);
        store.put("name", name);
        TestDatabase database = server.create(name);
        ReusedConnections.keep(database.url());
        store.put(TestDatabase.class, database);
    }

    @Override
    public void afterAll(ExtensionContext context) throws SQLException {
        ExtensionContext.Store store = context.getStore(NAMESPACE);
        ReusedConnections.end(store.get(TestDatabase.class, TestDatabase.class).url());
        server(context).drop(store.get("name", String.class));
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == TestDatabase.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return context.getStore(NAMESPACE).get(TestDatabase.class, TestDatabase.class);
    }

    private static PostgresServer server(ExtensionContext context) {
        return context.getRoot()
                .getStore(NAMESPACE)
                .getOrComputeIfAbsent(PostgresServer.class, key -> start(), PostgresServer.class);
    }

    private static PostgresServer start() {
        try {
            return PostgresServer.start();
        } catch (IOException e) {
            throw new UncheckedIOException("no PostgreSQL could be started for the tests", e);
        }
    }
}
