package io.backstop.testing;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.postgresql.PostgreSQLContainer;

import java.io.Closeable;
import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A PostgreSQL server for tests: the one that {@code BACKSTOP_TEST_POSTGRES_URL} names, else a container where a Docker
 * engine answers, else embedded binaries. The user has to be a superuser. The build names the version in the system
 * property {@code backstop.test.postgresql}: {@code 14} or {@code 14.24.0}.
 */
final class PostgresServer implements AutoCloseable {
    private static final String VERSION = "backstop.test.postgresql";
    private static final String NEWEST = "18";
    private static final AtomicInteger DATABASES = new AtomicInteger();

    /** A URL with the placeholder {@code %s} for the database. */
    private final String urlPattern;

    private final Closeable server;

    private PostgresServer(String urlPattern, Closeable server) {
        this.urlPattern = urlPattern;
        this.server = server;
    }

    static PostgresServer start() throws IOException {
        String url = System.getenv("BACKSTOP_TEST_POSTGRES_URL");
        if (url != null && !url.isBlank()) {
            return new PostgresServer(patternOf(url), () -> {});
        }
        PostgresServer started = dockerAnswers() ? container() : embedded();
        try {
            started.requireVersion();
        } catch (SQLException | RuntimeException e) {
            started.close();
            throw new IOException("the PostgreSQL that was started is of no use", e);
        }
        return started;
    }

    /** The major version that the build asks for. */
    private static String version() {
        String version = System.getProperty(VERSION, NEWEST);
        return version.contains(".") ? version.substring(0, version.indexOf('.')) : version;
    }

    /** A build that passes on another version than it says proves nothing. */
    private void requireVersion() throws SQLException {
        int found = new TestDatabase(urlPattern.formatted("postgres")).majorVersion();
        if (System.getProperty(VERSION) != null && found != Integer.parseInt(version())) {
            throw new IllegalStateException(VERSION + " asks for PostgreSQL " + version() + ", it is " + found);
        }
    }

    /** {@code jdbc:postgresql://host:port/database?parameters}, user and password among the parameters if needed. */
    private static String patternOf(String url) {
        Properties properties = org.postgresql.Driver.parseURL(url, null);
        if (properties == null) {
            throw new IllegalArgumentException("BACKSTOP_TEST_POSTGRES_URL is not a URL for pgjdbc");
        }
        int question = url.indexOf('?');
        String parameters = question < 0 ? "user=postgres" : url.substring(question + 1);
        return "jdbc:postgresql://" + properties.getProperty("PGHOST") + ":" + properties.getProperty("PGPORT") + "/%s?"
                + parameters.replace("%", "%%");
    }

    private static boolean dockerAnswers() {
        try {
            return DockerClientFactory.instance().isDockerAvailable();
        } catch (IllegalStateException e) {
            return false;
        }
    }

    @SuppressWarnings("resource") // closed with the server
    private static PostgresServer container() {
        PostgreSQLContainer container = new PostgreSQLContainer("postgres:" + version()).withUsername("postgres");
        container.start();
        String pattern = "jdbc:postgresql://" + container.getHost() + ":" + container.getFirstMappedPort()
                + "/%s?user=postgres&password=" + container.getPassword();
        return new PostgresServer(pattern, container::close);
    }

    private static PostgresServer embedded() throws IOException {
        EmbeddedPostgres postgres = EmbeddedPostgres.builder()
                .setServerConfig("max_connections", "100")
                .setServerConfig("max_prepared_transactions", "4")
                .setServerConfig("wal_level", "logical")
                // When it analyses a table, what is known of the table's size changes between two statements.
                .setServerConfig("autovacuum", "off")
                .start();
        return new PostgresServer("jdbc:postgresql://localhost:" + postgres.getPort() + "/%s?user=postgres", postgres);
    }

    String name(Class<?> testClass) {
        String name = "t" + ProcessHandle.current().pid() + "_" + DATABASES.incrementAndGet() + "_"
                + testClass.getSimpleName().toLowerCase(java.util.Locale.ROOT);
        return name.length() > 60 ? name.substring(0, 60) : name;
    }

    TestDatabase create(String name) throws SQLException {
        administer("CREATE DATABASE \"" + name + "\" TEMPLATE template0 ENCODING 'UTF8'");
        return new TestDatabase(urlPattern.formatted(name));
    }

    void drop(String name) throws SQLException {
        administer("DROP DATABASE IF EXISTS \"" + name + "\" WITH (FORCE)");
    }

    private void administer(String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(urlPattern.formatted("postgres"));
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
