package io.backstop.story;

import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.Random;

/**
 * The program that the fire test forks, which goes on until it is killed: runs a command again and again, or empties the table
 * through the guard and fills it with the next generation, one row more than the last.
 */
final class FireSite {
    /** What it prints each time that it has done its work. */
    static final String DONE = "done";

    /** Rows of generation 0. */
    static final int FIRST = 100;

    private FireSite() {}

    /** Arguments: {@code command} and the command, or {@code agent}, pgjdbc URL, policy, storage, control store, seed. */
    public static void main(String[] arguments) throws SQLException {
        if (arguments[0].equals("command")) {
            String[] command = Arrays.copyOfRange(arguments, 1, arguments.length);
            while (true) {
                CommandRun run = CommandRun.of(command);
                if (run.exitCode() != 0) {
                    System.err.println(Arrays.toString(command) + ": " + run.errors() + run.output());
                }
                System.out.println(DONE);
            }
        }
        try (Backstop backstop = Backstop.builder()
                        .policy(arguments[2])
                        .storage(arguments[3])
                        .control(Path.of(arguments[4]))
                        .build();
                Connection plain = DriverManager.getConnection(arguments[1]);
                Connection guarded = backstop.guard(plain);
                Statement statement = guarded.createStatement()) {
            guarded.setAutoCommit(false);
            Random random = new Random(Long.parseLong(arguments[5]));
            while (true) {
                generation(guarded, statement, random.nextInt(3) > 0);
            }
        }
    }

    /** What is lost is written down by the transaction in which it is lost. */
    private static void generation(Connection connection, Statement statement, boolean commits) throws SQLException {
        try {
            statement.execute("INSERT INTO lost SELECT max(generation) FROM t");
            statement.execute("TRUNCATE t");
            statement.execute("INSERT INTO t SELECT g, i FROM (SELECT max(generation) + 1 AS g FROM lost) n,"
                    + " generate_series(1, " + FIRST + " + g) i");
        } catch (SQLException e) {
            if (!"ZB007".equals(e.getSQLState())) {
                System.err.println("agent: " + e);
            }
            connection.rollback();
            return;
        }
        if (commits) {
            connection.commit();
            System.out.println(DONE);
        } else {
            connection.rollback();
        }
    }
}
