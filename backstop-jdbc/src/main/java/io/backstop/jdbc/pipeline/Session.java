package io.backstop.jdbc.pipeline;

import org.postgresql.PGConnection;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** A connection behind the guard, and what the guard has to know of it. As thread-safe as the connection. */
public final class Session {
    private final Connection connection;
    private final PGConnection postgres;
    private final String database;
    private final String configuredAgent;

    /**
     * @param connection pgjdbc's own connection
     * @param database {@code host:port/name}
     * @param configuredAgent who sends the statements for which nobody else is named
     */
    public Session(Connection connection, String database, String configuredAgent) throws SQLException {
        this.connection = connection;
        this.postgres = connection.unwrap(PGConnection.class);
        this.database = database;
        this.configuredAgent = configuredAgent;
    }

    public Connection connection() {
        return connection;
    }

    public String database() {
        return database;
    }

    public String agentId() {
        return CurrentAgent.id().orElse(configuredAgent);
    }

    /** As the server last reported it; costs no round trip. */
    public boolean standardConformingStrings() {
        return !"off".equals(postgres.getParameterStatus("standard_conforming_strings"));
    }

    /** What decides, beside the text, on what the next statement acts. SHOW takes no snapshot of the transaction. */
    Identity identity() throws SQLException {
        String sessionUser = String.valueOf(postgres.getParameterStatus("session_authorization"));
        String role = show("role");
        return new Identity(role.equals("none") ? sessionUser : role, show("search_path"));
    }

    private String show(String setting) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SHOW " + setting)) {
            row.next();
            return row.getString(1);
        }
    }

    /** The role in force and the search path. */
    record Identity(String role, String searchPath) {}
}
