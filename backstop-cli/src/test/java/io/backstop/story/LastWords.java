package io.backstop.story;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

/** A program that changes rows through the driver and ends without closing anything. */
final class LastWords {
    static final int STATEMENTS = 50;

    private LastWords() {}

    /** Argument: the driver's URL. */
    public static void main(String[] arguments) throws SQLException {
        Connection connection = DriverManager.getConnection(arguments[0]);
        Statement statement = connection.createStatement();
        for (int i = 1; i <= STATEMENTS; i++) {
            statement.executeUpdate("UPDATE t SET v = 'changed' WHERE id = " + i);
        }
        System.exit(0);
    }
}
