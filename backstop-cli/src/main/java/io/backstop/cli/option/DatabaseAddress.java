package io.backstop.cli.option;

import io.backstop.api.snapshot.Connections;
import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;
import org.postgresql.PGProperty;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;

/**
 * A database as psql takes it: {@code postgresql://[user[:password]@][host][:port][/database][?parameter=value&…]}, with
 * {@code PGHOST}, {@code PGPORT}, {@code PGUSER}, {@code PGDATABASE} and {@code PGPASSWORD} for what it leaves out; pgjdbc
 * looks into {@code ~/.pgpass} itself. A URL for pgjdbc is taken as it is. Never prints its password.
 */
public final class DatabaseAddress {
    private static final Set<String> CREDENTIALS = Set.of("user", "password", "sslpassword");

    private final String url;
    private final Properties properties;

    private DatabaseAddress(String url, Properties properties) {
        this.url = url;
        this.properties = properties;
    }

    public static DatabaseAddress parse(String address, Map<String, String> environment) {
        if (address.startsWith("jdbc:postgresql:")) {
            return of(address, credentials("", environment));
        }
        if (!address.startsWith("postgresql://") && !address.startsWith("postgres://")) {
            throw new TypeConversionException("it has to begin with postgresql://");
        }
        try {
            URI uri = new URI(address.endsWith("://") ? address + "/" : address);
            String authority = uri.getRawAuthority() == null ? "" : uri.getRawAuthority();
            int at = authority.lastIndexOf('@');
            String hosts = authority.substring(at + 1);
            String path = uri.getRawPath() == null ? "" : uri.getRawPath();
            Properties properties = credentials(at < 0 ? "" : authority.substring(0, at), environment);
            String database = path.length() > 1
                    ? path.substring(1)
                    : environment.getOrDefault("PGDATABASE", properties.getProperty("user", ""));
            String url = "jdbc:postgresql://" + hostAndPort(hosts, environment) + "/" + database
                    + (uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery());
            return of(url, properties);
        } catch (URISyntaxException e) {
            throw new TypeConversionException("it is not a URL: " + e.getReason());
        }
    }

    /** Takes the secrets out of the URL's parameters, so that no message of anybody can repeat them. */
    private static DatabaseAddress of(String url, Properties properties) {
        int question = url.indexOf('?');
        if (question < 0) {
            return new DatabaseAddress(url, properties);
        }
        List<String> rest = new ArrayList<>();
        for (String parameter : url.substring(question + 1).split("&", -1)) {
            int equals = parameter.indexOf('=');
            String name = equals < 0 ? parameter : parameter.substring(0, equals);
            if (equals >= 0 && CREDENTIALS.contains(name)) {
                properties.setProperty(name, decoded(parameter.substring(equals + 1)));
            } else {
                rest.add(parameter);
            }
        }
        String shown = url.substring(0, question);
        return new DatabaseAddress(rest.isEmpty() ? shown : shown + "?" + String.join("&", rest), properties);
    }

    private static String decoded(String text) {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            // Its message would repeat the text.
            throw new TypeConversionException("a user or password in it is not well encoded");
        }
    }

    private static String hostAndPort(String hosts, Map<String, String> environment) {
        String host = hosts.isEmpty() ? environment.getOrDefault("PGHOST", "localhost") : hosts;
        boolean named = host.matches(".*:\\d+") || host.contains(",");
        return named ? host : host + ":" + environment.getOrDefault("PGPORT", "5432");
    }

    private static Properties credentials(String userAndPassword, Map<String, String> environment) {
        int colon = userAndPassword.indexOf(':');
        String user = colon < 0 ? userAndPassword : userAndPassword.substring(0, colon);
        Properties properties = new Properties();
        properties.setProperty(
                "user",
                user.isEmpty() ? environment.getOrDefault("PGUSER", System.getProperty("user.name")) : decoded(user));
        if (colon >= 0) {
            properties.setProperty("password", decoded(userAndPassword.substring(colon + 1)));
        } else if (environment.containsKey("PGPASSWORD")) {
            properties.setProperty("password", environment.get("PGPASSWORD"));
        }
        return properties;
    }

    /**
     * A plain connection, around the guard: what an operator does is not judged.
     *
     * @throws SQLException where the server does not take it, with a hint
     */
    public Connection connect() throws SQLException {
        try {
            return DriverManager.getConnection(url, properties);
        } catch (SQLException e) {
            throw ConnectionFailure.hinted(e, this);
        }
    }

    /** Whether the server takes this user without a password, as by {@code trust}, {@code peer} or a certificate. */
    public boolean isTakenWithoutPassword() {
        Properties none = new Properties();
        none.putAll(properties);
        none.setProperty("password", ""); // with none at all, pgjdbc would look into ~/.pgpass
        try (Connection connection = DriverManager.getConnection(url, none)) {
            return connection.isValid(0);
        } catch (SQLException e) {
            return false;
        }
    }

    /** More of the same, for the parts that read or write with two. */
    public Connections connections() {
        return () -> Optional.of(connect());
    }

    /** As the driver names the server in manifests and approvals: the first host, if there are several. */
    public String hostAndPort() {
        Properties parsed = Driver.parseURL(url, null);
        return parsed == null
                ? "postgresql"
                : PGProperty.PG_HOST.getOrDefault(parsed) + ":" + PGProperty.PG_PORT.getOrDefault(parsed);
    }

    /** {@code host:port/name}, as the audit names a database. */
    public String hostPortAndName() {
        Properties parsed = Driver.parseURL(url, null);
        @Nullable String name = parsed == null ? null : PGProperty.PG_DBNAME.getOrDefault(parsed);
        return hostAndPort() + (name == null ? "" : "/" + name);
    }

    String url() {
        return url;
    }

    Properties properties() {
        return properties;
    }

    /** Without user and password. */
    @Override
    public String toString() {
        return url;
    }

    /** For picocli. */
    public static final class Converter implements ITypeConverter<DatabaseAddress> {
        @Override
        public DatabaseAddress convert(String value) {
            return parse(value, System.getenv());
        }
    }
}
