package io.backstop.jdbc;

import io.backstop.testing.TestDatabase;
import org.postgresql.PGProperty;

import java.sql.SQLException;
import java.util.Properties;

/** The foreign server {@code loop}, whose remote side is the same database, by way of another connection of the server. */
final class LoopbackServer {
    private LoopbackServer() {}

    static void create(TestDatabase database) throws SQLException {
        Properties place = org.postgresql.Driver.parseURL(database.url(), null);
        database.run(
                "DROP EXTENSION IF EXISTS postgres_fdw CASCADE",
                "CREATE EXTENSION postgres_fdw",
                "CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '"
                        + PGProperty.PG_HOST.getOrDefault(place) + "', port '" + PGProperty.PG_PORT.getOrDefault(place)
                        + "', dbname '" + PGProperty.PG_DBNAME.getOrDefault(place) + "')",
                "CREATE USER MAPPING FOR PUBLIC SERVER loop OPTIONS (user 'postgres', password_required 'false')");
    }
}
