package io.backstop.recovery.internal.copyback;

import io.backstop.recovery.internal.sql.ServerErrors;
import io.backstop.recovery.internal.text.SqlFragments;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.recovery.internal.text.SqlScript.Attempt;
import io.backstop.recovery.internal.text.SqlScript.Step;
import io.backstop.recovery.model.Rehearsal;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Runs a script in a transaction that is rolled back, under the settings of the session as it is: what a role or a database
 * sets is met by the script, too. Stateless.
 */
public final class ScriptRehearsal {
    /** The locks of a rehearsal hold others up: it rather gives up than to queue for long. */
    private static final String LOCK_TIMEOUT = "SELECT pg_catalog.set_config('lock_timeout', '5s', true) "
            + "FROM pg_catalog.pg_settings WHERE name = 'lock_timeout' AND setting::int NOT BETWEEN 1 AND 5000";

    private static final String LOCK_NOT_AVAILABLE = "55P03";

    private static final String SAVEPOINT = "SAVEPOINT backstop_attempt";

    private static final int SHOWN = 120;

    private static final String AGAIN = ", then ask for the script again";

    /** By SQLSTATE, else by its class (PostgreSQL documentation, appendix A). */
    private static final Map<String, String> HINTS = Map.ofEntries(
            Map.entry("42501", "connect with --db as a superuser or as the owner of the tables" + AGAIN),
            Map.entry(
                    "23000",
                    "change these rows in the present table" + AGAIN
                            + "; without --present replace the table is completed,"
                            + " or, if it has other columns, swapped and its rows are only offered"),
            Map.entry(
                    "23505",
                    "another row has taken the place of a stored one since: decide which of the two is right and change the "
                            + "other" + AGAIN),
            Map.entry(
                    "23503",
                    "rows that these refer to are missing, or others refer to them: bring those tables back, too, with "
                            + "--group or one by one" + AGAIN
                            + "; rows that are in a table alone which the script sets aside,"
                            + " it offers in a comment, and --present replace merges them"),
            Map.entry("42P07", "something else has the name now: rename that" + AGAIN),
            Map.entry("42710", "something else has the name now: rename that" + AGAIN),
            Map.entry("25006", "connect to the primary server with --db, by a role that may write" + AGAIN),
            Map.entry("42P01", "bring what it names back first, with --group or by its own snapshot" + AGAIN),
            Map.entry("42883", "bring what it names back first, with --group or by its own snapshot" + AGAIN),
            Map.entry("42704", "bring what it names back first" + AGAIN),
            Map.entry("3F000", "bring what it names back first" + AGAIN));

    private ScriptRehearsal() {}

    /**
     * @param connection a plain connection in auto-commit; left so, and nothing is changed
     * @param failing is given what the script can do without and that fails, with PostgreSQL's words
     */
    public static Rehearsal of(Connection connection, List<Step> steps, Map<Attempt, String> failing)
            throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.setEscapeProcessing(false);
            try {
                statement.execute(SqlScript.READ_WRITE);
            } catch (SQLException e) {
                return new Rehearsal.Failed(
                        beginning(SqlScript.READ_WRITE),
                        ServerErrors.sentence(e),
                        "connect to the primary server with --db" + AGAIN);
            }
            statement.execute(LOCK_TIMEOUT);
            Optional<Attempt> attempt = Optional.empty();
            for (Step step : steps) {
                if (step.attempt().filter(failing::containsKey).isPresent()) {
                    continue;
                }
                if (!step.attempt().equals(attempt)) {
                    attempt = step.attempt();
                    statement.execute(SAVEPOINT);
                }
                try {
                    statement.execute(sent(step.rehearsed()));
                } catch (SQLException e) {
                    Rehearsal failed = failed(step, e);
                    if (attempt.isEmpty() || !(failed instanceof Rehearsal.Failed)) {
                        return failed;
                    }
                    statement.execute("ROLLBACK TO " + SAVEPOINT);
                    failing.put(attempt.get(), ServerErrors.sentence(e));
                }
            }
            return committable(statement);
        } finally {
            connection.rollback();
            connection.setAutoCommit(true);
        }
    }

    /** What is deferred to the commit is checked there, which does not come. */
    private static Rehearsal committable(Statement statement) throws SQLException {
        String deferred = "SET CONSTRAINTS ALL IMMEDIATE";
        try {
            statement.execute(deferred);
            return new Rehearsal.Passed();
        } catch (SQLException e) {
            return failed(new Step("COMMIT", deferred, Optional.empty()), e);
        }
    }

    private static String sent(String sql) {
        // The driver takes a semicolon in it for the end of the statement.
        return SqlFragments.hasStandardBody(sql)
                ? "DO " + SqlFragments.dollarQuoted("BEGIN EXECUTE " + SqlFragments.dollarQuoted(sql) + "; END")
                : sql;
    }

    private static Rehearsal failed(Step step, SQLException e) throws SQLException {
        String state = ServerErrors.state(e);
        if (state.startsWith("08") || state.startsWith("57P")) {
            throw e;
        }
        if (state.equals(LOCK_NOT_AVAILABLE)) {
            return new Rehearsal.NotDone(
                    "another transaction uses a table that the script locks, and did not end within "
                            + "the lock timeout; the script waits for it");
        }
        String general = "remove the cause, or take that statement out of the script if you can do without it";
        return new Rehearsal.Failed(
                beginning(step.sql()), ServerErrors.sentence(e), HINTS.getOrDefault(state, general));
    }

    private static String beginning(String sql) {
        String line = sql.replaceAll("\\s+", " ").strip();
        return "`" + (line.length() <= SHOWN ? line : line.substring(0, SHOWN - 1) + "…") + "`";
    }
}
