package io.backstop.jdbc;

import io.backstop.api.snapshot.Connections;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGProperty;

import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.Properties;
import java.util.logging.Logger;
import java.util.stream.Stream;

/**
 * Opens guarded connections for {@code jdbc:backstop:postgresql:} URLs: pgjdbc's URLs with one more word, and settings
 * with the prefix {@code backstop.} among their parameters. All other parameters go to pgjdbc unchanged. Thread-safe.
 */
public final class BackstopDriver implements Driver {
    /** Long enough for code that opens and closes one connection after the other to find its guard open. */
    private static final Duration LINGER = Duration.ofSeconds(2);

    static {
        try {
            DriverManager.registerDriver(new BackstopDriver());
        } catch (SQLException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final org.postgresql.Driver postgres = new org.postgresql.Driver();
    private final SharedGuards guards;

    public BackstopDriver() {
        this(LINGER);
    }

    /** @param linger how long a guard without users is kept open */
    BackstopDriver(Duration linger) {
        this.guards = new SharedGuards(linger);
    }

    /**
     * Opens a guarded connection, or returns null for a URL that is not Backstop's.
     *
     * @throws InvalidSettingException naming the setting with which no guard can be had
     * @throws SQLException what pgjdbc throws where it cannot connect
     */
    @Override
    public @Nullable Connection connect(String url, @Nullable Properties info) throws SQLException {
        if (!acceptsURL(url)) {
            return null;
        }
        BackstopUrl parsed = BackstopUrl.parse(url, info);
        @Nullable Properties all = org.postgresql.Driver.parseURL(parsed.postgresUrl(), parsed.postgresProperties());
        if (all == null) {
            throw unusable();
        }
        if (PGProperty.ALLOW_ENCODING_CHANGES.getBoolean(all)) {
            // The server would read other characters, and end literals elsewhere, than whoever judges the text.
            throw new InvalidSettingException("allowEncodingChanges=true cannot be guarded", "leave that setting out");
        }
        Connections more =
                () -> Optional.ofNullable(postgres.connect(parsed.postgresUrl(), parsed.postgresProperties()));
        SharedGuards.Lease lease = guards.acquire(parsed.settings());
        @Nullable Connection connection = null;
        try {
            connection = more.open().orElseThrow(BackstopDriver::unusable);
            return lease.guard().guard(connection, more, lease::close);
        } catch (SQLException | RuntimeException e) {
            if (connection != null) {
                connection.close();
            }
            lease.close();
            throw e;
        }
    }

    /** Keeps the guard of these settings open until the lease is closed. */
    SharedGuards.Lease lease(String url, Properties info) throws SQLException {
        return guards.acquire(BackstopUrl.parse(url, info).settings());
    }

    /** Not in pgjdbc's words, which repeat the URL with whatever is in it. */
    private static InvalidSettingException unusable() {
        return new InvalidSettingException(
                "the URL behind jdbc:backstop: is not one for pgjdbc",
                "write jdbc:backstop:postgresql://host:port/database");
    }

    @Override
    public boolean acceptsURL(String url) throws SQLException {
        return BackstopUrl.accepts(url);
    }

    @Override
    public DriverPropertyInfo[] getPropertyInfo(String url, @Nullable Properties info) throws SQLException {
        if (!acceptsURL(url)) {
            return new DriverPropertyInfo[0];
        }
        BackstopUrl parsed = BackstopUrl.parse(url, info);
        Stream<DriverPropertyInfo> own = Arrays.stream(Setting.values()).map(setting -> {
            DriverPropertyInfo property =
                    new DriverPropertyInfo(setting.key(), parsed.settings().get(setting));
            property.description = setting.description();
            return property;
        });
        return Stream.concat(
                        own, Arrays.stream(postgres.getPropertyInfo(parsed.postgresUrl(), parsed.postgresProperties())))
                .toArray(DriverPropertyInfo[]::new);
    }

    @Override
    public int getMajorVersion() {
        return 0;
    }

    @Override
    public int getMinorVersion() {
        return 1;
    }

    /** False, as pgjdbc's own: it does not implement all of JDBC. */
    @Override
    public boolean jdbcCompliant() {
        return false;
    }

    @Override
    public Logger getParentLogger() {
        return Logger.getLogger("io.backstop");
    }
}
