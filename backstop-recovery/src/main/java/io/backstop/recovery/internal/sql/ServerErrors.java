package io.backstop.recovery.internal.sql;

import io.backstop.recovery.model.RecoveryException;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

import java.sql.SQLException;
import java.util.Map;
import java.util.Set;

/** What the server said, in words that may be shown: its details and data errors repeat values of rows, and stay out. */
public final class ServerErrors {
    private static final String AGAIN = "; nothing was kept, so restore again after that";

    /** By SQLSTATE, else by its class (PostgreSQL documentation, appendix A). */
    private static final Map<String, String> HINTS = Map.ofEntries(
            Map.entry("42883", "create the function first" + AGAIN),
            Map.entry("42704", "create the missing type, collation, role or extension first" + AGAIN),
            Map.entry("42P01", "create the missing relation first" + AGAIN),
            Map.entry("3F000", "create the schema first" + AGAIN),
            Map.entry("42501", "connect as the owner of the schema or as a superuser" + AGAIN),
            Map.entry("42P07", "another session took the name meanwhile; restore under another name"),
            Map.entry(
                    "55P03",
                    "another transaction holds a lock on a table that a foreign key refers to; end it" + AGAIN),
            Map.entry("25006", "connect to the primary server, not to a standby" + AGAIN),
            Map.entry("22", "something that reads the rows behaves unlike it did when they were stored" + AGAIN),
            Map.entry("23", "something that the constraint depends on has changed since the rows were stored" + AGAIN),
            Map.entry("53", "give the server space or connections" + AGAIN),
            Map.entry("57", "the server ended the work; nothing was kept, so restore again when it is ready"),
            Map.entry("08", "the connection was lost; nothing was kept, so restore again"));

    /** Classes of SQLSTATE. */
    private static final Set<String> OF_ALL = Set.of("08", "25", "40", "53", "55", "57");

    private static final String PLAN_AGAIN = "; what was restored is kept, so run the same command again after that";

    /** For a plan of what is restored already. */
    private static final Map<String, String> PLAN_HINTS = Map.ofEntries(
            Map.entry(
                    "42501",
                    "connect as a superuser, or as an owner of the tables who bypasses row-level security where they force it"
                            + PLAN_AGAIN),
            Map.entry(
                    "55P03",
                    "another transaction holds a lock on a table that the rows go back to; end it" + PLAN_AGAIN),
            Map.entry(
                    "54000",
                    "a row is too large to be compared as text: put the rows back by a statement of your own; they are in the"
                            + " restored table, which is kept"),
            Map.entry("57", "the server ended the work" + PLAN_AGAIN),
            Map.entry("08", "the connection was lost" + PLAN_AGAIN));

    private ServerErrors() {}

    /** What went wrong while a plan was made for tables that are restored. */
    public static RecoveryException ofPlan(String problem, SQLException e) {
        String state = state(e);
        return of(
                problem,
                e,
                PLAN_HINTS.getOrDefault(state, PLAN_HINTS.getOrDefault(group(state), "remove the cause" + PLAN_AGAIN)));
    }

    /** What went wrong with the subject, as an exception for the caller. */
    public static RecoveryException of(String problem, SQLException e) {
        return of(problem, e, hint(e));
    }

    /** The same where the caller knows better what to do. */
    public static RecoveryException of(String problem, SQLException e, String hint) {
        return new RecoveryException(problem + ": " + sentence(e), hint, withoutValues(e));
    }

    /** The server's sentence, unless it may quote a row. */
    public static String sentence(SQLException e) {
        String state = state(e);
        if (state.startsWith("22")) {
            return "the server refuses a value (SQLSTATE " + state + ")";
        }
        if (e instanceof PSQLException server) {
            ServerErrorMessage message = server.getServerErrorMessage();
            if (message != null && message.getMessage() != null) {
                return message.getMessage() + " (SQLSTATE " + state + ")";
            }
        }
        return e.getMessage() + " (SQLSTATE " + state + ")";
    }

    private static String hint(SQLException e) {
        String state = state(e);
        if (isOfCatalog(e)) {
            return "another session is making the same; see what it made, then restore again under this name or another";
        }
        String general = "nothing was kept; remove the cause and restore again";
        return HINTS.getOrDefault(state, HINTS.getOrDefault(group(state), general));
    }

    private static String group(String state) {
        return state.substring(0, Math.min(2, state.length()));
    }

    /** Two sessions that make things of one name meet in an index of the catalog before either can be seen. */
    private static boolean isOfCatalog(SQLException e) {
        return state(e).equals("23505")
                && e instanceof PSQLException server
                && server.getServerErrorMessage() != null
                && "pg_catalog".equals(server.getServerErrorMessage().getSchema());
    }

    /** The same error without what the server added to it: where it came from, and no rows. */
    private static SQLException withoutValues(SQLException e) {
        SQLException shown = new SQLException(sentence(e), e.getSQLState());
        shown.setStackTrace(e.getStackTrace());
        for (Throwable suppressed : e.getSuppressed()) {
            shown.addSuppressed(suppressed);
        }
        return shown;
    }

    /** Whether it is about the connection, the server's resources or other sessions, and not about one table. */
    public static boolean wouldBeOfAll(@Nullable Throwable cause) {
        return cause instanceof SQLException e && OF_ALL.contains(group(state(e)));
    }

    public static String state(SQLException e) {
        return e.getSQLState() == null ? "unknown" : e.getSQLState();
    }
}
