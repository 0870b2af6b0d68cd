package io.backstop.jdbc;

import io.backstop.api.error.UnguardedAccessException;
import org.jspecify.annotations.Nullable;

import javax.sql.DataSource;

import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Properties;
import java.util.logging.Logger;

/**
 * Opens guarded connections to one database; a bean with the properties {@code url}, {@code user}, {@code password} and
 * {@code properties}. It does not pool. The guard with its threads and files is opened with the first connection, and
 * released when the data source and its last connection are closed. Thread-safe once it is configured.
 */
public final class BackstopDataSource implements DataSource, AutoCloseable {
    private final BackstopDriver driver = new BackstopDriver(Duration.ZERO);
    private final Properties properties = new Properties();
    private @Nullable String url;
    private @Nullable PrintWriter logWriter;

    /** Keeps the guard open between connections. Guarded by this object's monitor. */
    private SharedGuards.@Nullable Lease lease;

    private boolean closed;

    /** For bean containers; {@link #setUrl} has to follow. */
    public BackstopDataSource() {}

    /** @param url {@code jdbc:backstop:postgresql:…} */
    public BackstopDataSource(String url) {
        setUrl(url);
    }

    /** @throws IllegalArgumentException for a URL that is not Backstop's */
    public void setUrl(String newUrl) {
        if (!BackstopUrl.accepts(newUrl)) {
            throw new IllegalArgumentException("the URL has to begin with " + BackstopUrl.PREFIX);
        }
        this.url = newUrl;
    }

    public @Nullable String getUrl() {
        return url;
    }

    public void setUser(String user) {
        properties.setProperty("user", user);
    }

    public @Nullable String getUser() {
        return properties.getProperty("user");
    }

    public void setPassword(String password) {
        properties.setProperty("password", password);
    }

    /** Adds connection properties: pgjdbc's, and Backstop's with the prefix {@code backstop.}. */
    public void setProperties(Properties more) {
        more.stringPropertyNames().forEach(name -> properties.setProperty(name, more.getProperty(name)));
    }

    @Override
    public Connection getConnection() throws SQLException {
        return connect(properties);
    }

    @Override
    public Connection getConnection(String user, String password) throws SQLException {
        Properties own = new Properties();
        properties.stringPropertyNames().forEach(name -> own.setProperty(name, properties.getProperty(name)));
        own.setProperty("user", user);
        own.setProperty("password", password);
        return connect(own);
    }

    private Connection connect(Properties with) throws SQLException {
        if (url == null) {
            throw new InvalidSettingException("the data source has no URL", "set its property url");
        }
        keepGuard(url, with);
        Connection connection = driver.connect(url, with);
        if (connection == null) {
            throw new IllegalStateException("the driver does not know the URL that setUrl accepted");
        }
        return connection;
    }

    private void keepGuard(String currentUrl, Properties with) throws SQLException {
        synchronized (this) {
            refuseIfClosed();
            if (lease != null) {
                return;
            }
        }
        SharedGuards.Lease opened =
                driver.lease(currentUrl, with); // not under the monitor: a guard may take long to open
        synchronized (this) {
            if (lease == null && !closed) {
                lease = opened;
                return;
            }
        }
        opened.close();
    }

    private void refuseIfClosed() throws SQLException {
        if (closed) {
            throw new SQLException(
                    "the data source is closed\nHINT: open another one; connections that are open go on", "08003");
        }
    }

    /** Opens no more connections. Those that are open go on, and the guard is released with the last of them. */
    @Override
    public void close() {
        SharedGuards.@Nullable Lease held;
        synchronized (this) {
            closed = true;
            held = lease;
            lease = null;
        }
        if (held != null) {
            held.close();
        }
    }

    @Override
    public @Nullable PrintWriter getLogWriter() {
        return logWriter;
    }

    @Override
    public void setLogWriter(@Nullable PrintWriter out) {
        this.logWriter = out;
    }

    /** In seconds; 0 is pgjdbc's default. */
    @Override
    public void setLoginTimeout(int seconds) {
        properties.setProperty("loginTimeout", String.valueOf(seconds));
    }

    @Override
    public int getLoginTimeout() {
        return Integer.parseInt(properties.getProperty("loginTimeout", "0"));
    }

    @Override
    public Logger getParentLogger() {
        return driver.getParentLogger();
    }

    @Override
    public <T> T unwrap(Class<T> iface) throws SQLException {
        if (iface.isInstance(this)) {
            return iface.cast(this);
        }
        throw new UnguardedAccessException(
                "unwrap to " + iface.getName() + " is refused: it would lead around the guard",
                "use the data source through javax.sql.DataSource");
    }

    @Override
    public boolean isWrapperFor(Class<?> iface) {
        return iface.isInstance(this);
    }
}
