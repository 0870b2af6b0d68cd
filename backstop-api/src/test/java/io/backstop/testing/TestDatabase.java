package io.backstop.testing;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * A database of one test class, empty at its start. A test takes it as a parameter.
 *
 * @param url a URL for pgjdbc that carries user and password
 */
public record TestDatabase(String url) {

    /** A plain connection, around Backstop. */
    public Connection connect() throws SQLException {
        return DriverManager.getConnection(url);
    }

    /** The server's: 14 to 18. */
    public int majorVersion() throws SQLException {
        try (Connection connection = connect()) {
            return connection.getMetaData().getDatabaseMajorVersion();
        }
    }

    /** The same database through Backstop, with more parameters: {@code backstop.agentId=…&…}. */
    public String backstopUrl(String parameters) {
        return url.replaceFirst("^jdbc:", "jdbc:backstop:") + "&" + parameters;
    }

    /** Runs the statements, each on its own, on one plain connection that starts as a new one. */
    public void run(String... statements) throws SQLException {
        ReusedConnections.run(url, statement -> {
            for (String sql : statements) {
                statement.execute(sql);
            }
            return statements.length;
        });
    }

    /** The rows of a query, their columns joined by {@code |}; NULL as {@code null}. */
    public List<String> rows(String query) throws SQLException {
        return ReusedConnections.run(url, statement -> {
            try (ResultSet result = statement.executeQuery(query)) {
                int columns = result.getMetaData().getColumnCount();
                List<String> rows = new ArrayList<>();
                while (result.next()) {
                    List<String> values = new ArrayList<>();
                    for (int i = 1; i <= columns; i++) {
                        values.add(String.valueOf(result.getString(i)));
                    }
                    rows.add(String.join("|", values));
                }
                return rows;
            }
        });
    }

    /** The only value of a query's only row. */
    public String value(String query) throws SQLException {
        List<String> rows = rows(query);
        if (rows.size() != 1) {
            throw new AssertionError(rows.size() + " rows instead of one: " + query);
        }
        return rows.get(0);
    }
}
