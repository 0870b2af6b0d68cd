package io.backstop.jdbc.internal.control.postgres;

import io.backstop.api.error.ControlStoreUnavailableException;
import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;
import org.postgresql.PGProperty;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Objects;
import java.util.Properties;

/**
 * The database that a control store is in: opens connections to it with the settings that the store needs, and says in
 * words what failed. The password is in none of them. Immutable, thread-safe.
 */
public final class PostgresServer {
    /** What a URL of such a store begins with. */
    public static final String PREFIX = "jdbc:postgresql:";

    /** How long a unit of work waits for others; each takes milliseconds. */
    static final Duration LOCK_TIMEOUT = Duration.ofSeconds(5);

    private static final String SCHEMA = PostgresDialect.SCHEMA;

    /**
     * A server that is not reached at all, or does not answer any more, is found out within these many seconds. Longer than
     * any statement of the store is let run.
     */
    private static final int CONNECT_SECONDS = 5;

    private static final int SOCKET_SECONDS = 20;

    /**
     * Set by SQL and not by parameters of the connection, which poolers refuse. A holder of the write lock that is not heard of
     * any more loses it soon. A record that was acknowledged survives a crash, whatever the role's own setting.
     */
    private static final String SESSION = "SET search_path = " + SCHEMA + ", pg_temp; SET statement_timeout = '10s';"
            + " SET lock_timeout = '" + LOCK_TIMEOUT.toMillis() + "ms'; SET idle_in_transaction_session_timeout = '3s';"
            + " SELECT set_config('synchronous_commit', 'on', false)"
            + " WHERE current_setting('synchronous_commit') IN ('off', 'local')";

    private final String url;
    private final String name;

    private PostgresServer(String url, String name) {
        this.url = url;
        this.name = name;
    }

    /**
     * @param url of the form {@code jdbc:postgresql://host:port/database?user=…}, with pgjdbc's parameters
     * @throws ControlStoreUnavailableException if it is no such URL
     */
    public static PostgresServer of(String url) throws ControlStoreUnavailableException {
        @Nullable Properties parsed = Driver.parseURL(url, new Properties());
        if (parsed == null) {
            throw new ControlStoreUnavailableException(
                    "backstop.control is no URL of a PostgreSQL database, although it begins like one",
                    "write jdbc:postgresql://host:port/database?user=name, with the password in &password= or in the"
                            + " file that PGPASSFILE names");
        }
        return new PostgresServer(
                url,
                PGProperty.PG_HOST.getOrDefault(parsed) + ":" + PGProperty.PG_PORT.getOrDefault(parsed) + "/"
                        + PGProperty.PG_DBNAME.getOrDefault(parsed));
    }

    /** A new connection with the session's settings, in auto-commit. */
    Connection connect() throws SQLException {
        Properties defaults = new Properties(); // what the URL says wins
        defaults.setProperty(PGProperty.APPLICATION_NAME.getName(), "backstop control store");
        defaults.setProperty(PGProperty.CONNECT_TIMEOUT.getName(), String.valueOf(CONNECT_SECONDS));
        defaults.setProperty(PGProperty.LOGIN_TIMEOUT.getName(), String.valueOf(2 * CONNECT_SECONDS));
        defaults.setProperty(PGProperty.SOCKET_TIMEOUT.getName(), String.valueOf(SOCKET_SECONDS));
        defaults.setProperty(PGProperty.TCP_KEEP_ALIVE.getName(), "true");
        // Asked itself, not found by DriverManager: another driver may answer to its URLs.
        Connection connection = Objects.requireNonNull(new Driver().connect(url, defaults), "connection");
        boolean usable = false;
        try (Statement statement = connection.createStatement()) {
            statement.execute(SESSION);
            usable = true;
            return connection;
        } finally {
            if (!usable) {
                connection.close();
            }
        }
    }

    /** The failure of a unit of work, in words for the one who runs the process. */
    ControlStoreUnavailableException unavailable(SQLException cause) {
        String state = Objects.requireNonNullElse(cause.getSQLState(), "");
        String problem = "the control store in schema " + SCHEMA + " of " + name + " cannot be used: ";
        return switch (state) {
            case "28P01", "28000" ->
                unavailable(
                        problem + "the server refuses the login: " + cause.getMessage(),
                        "check user and password in backstop.control, and the server's pg_hba.conf",
                        cause);
            case "3D000" ->
                unavailable(
                        problem + "there is no such database",
                        "create it, or name another one in backstop.control",
                        cause);
            case "42501" -> withoutRights(cause);
            case "25006" ->
                unavailable(
                        problem + "the server is read only",
                        "it is a standby, or was made read only: name the primary server in backstop.control, or several"
                                + " with targetServerType=primary",
                        cause);
            case "55P03", "57014" ->
                unavailable(
                        problem + "another process has kept it locked for more than " + LOCK_TIMEOUT.toSeconds() + " s",
                        "find out what the sessions named \"backstop control store\" in pg_stat_activity wait for;"
                                + " Backstop itself locks it for milliseconds",
                        cause);
            case "53300" ->
                unavailable(
                        problem + "the server takes no more connections",
                        "raise max_connections; each process that uses the store keeps up to "
                                + PostgresDatabase.MOST_IDLE + " connections open",
                        cause);
            default ->
                unavailable(
                        problem + cause.getMessage(),
                        state.startsWith("08") || state.startsWith("57P")
                                ? "check that the server runs and can be reached from this host"
                                : "see the server's log; backstop.control names the database",
                        cause);
        };
    }

    /** The role lacks a right that the store needs. */
    ControlStoreUnavailableException withoutRights(SQLException cause) {
        return unavailable(
                "the control store in schema " + SCHEMA + " of " + name + " cannot be used: " + cause.getMessage(),
                "let the role that owns the database or the schema make the store or do this, and give this role the rights"
                        + " that docs/operate/control-store.md names",
                cause);
    }

    private static ControlStoreUnavailableException unavailable(String problem, String hint, SQLException cause) {
        return new ControlStoreUnavailableException(problem, hint, cause);
    }

    /** Others of this process did not come to an end in time. */
    ControlStoreUnavailableException busy() {
        return new ControlStoreUnavailableException(
                "the control store in " + name
                        + " cannot be used: others in this process have waited for it for more than "
                        + LOCK_TIMEOUT.toSeconds() + " s",
                "find out what keeps the server busy");
    }

    ControlStoreUnavailableException interrupted(InterruptedException cause) {
        return new ControlStoreUnavailableException(
                "the control store in " + name
                        + " was not used: the thread was interrupted while it waited for its turn",
                "send the statement again",
                cause);
    }

    /** Where it is, for messages and as a name for what is known of it: host, port and database. */
    @Override
    public String toString() {
        return name;
    }
}
