package io.backstop.jdbc.internal.pipeline.session;

import io.backstop.api.error.UnguardedAccessException;
import io.backstop.api.policy.ReadFence;
import org.jspecify.annotations.Nullable;
import org.postgresql.core.TransactionState;
import org.postgresql.jdbc.PgConnection;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashSet;
import java.util.Set;

/**
 * What the server was told so that it keeps one session's SAFE statements from changing anything: outside transactions the
 * default {@code default_transaction_read_only}, in a transaction of the caller's a savepoint behind which it is read-only.
 * That savepoint stays until a statement comes that may write, so that a row of reads costs one round trip. Whether to fence
 * never depends on what the caller said of read-only transactions, because the caller can take that back. Used within the
 * session's turn.
 */
public final class SessionFence {
    private static final String DEFAULT = "default_transaction_read_only";

    /**
     * A serializable transaction that is read-only and deferrable waits until no other can disturb what it sees. Where the
     * application's transactions are deferrable by default, that has no effect on them until the fence makes them read-only.
     */
    private static final String DEFERRABLE = "default_transaction_deferrable";

    private static final String SET_DEFAULT = "SET " + DEFERRABLE + " = off; SET " + DEFAULT + " = on";
    private static final String RESET_DEFAULT = "RESET " + DEFERRABLE + "; SET " + DEFAULT + " = off";
    private static final String WRITABLE = "SET TRANSACTION READ WRITE";
    private static final String ENTER = "SAVEPOINT backstop_fence; SET LOCAL transaction_read_only = on";
    private static final String LEAVE = "RELEASE SAVEPOINT backstop_fence";

    /**
     * Has the transaction see its rows before it is read-only for the first time. A serializable transaction whose first look
     * is read-only counts as one that never writes, and conflicts with none (PredicateLock.c, RegisterSerializableTransaction).
     */
    private static final String LOOK = "VALUES (0)";

    /** The first version that reports the default whenever it changes (release notes of PostgreSQL 14). */
    private static final int REPORTS_DEFAULT = 14;

    private final PgConnection postgres;
    private final OwnStatements ownStatements;
    private final DriverReadOnlyMode readOnlyMode;

    /** Whether the session is the caller's alone, so that a setting of it hits nobody else. */
    private boolean direct;

    private ReadFence rule = ReadFence.OFF;

    /** Whether the session's default has still to follow the rule, which it can outside transactions only. */
    private boolean pending;

    private boolean defaultSet;

    /** The session's default as it was at first, before PostgreSQL 14, which reports it. */
    private boolean unreportedOn;

    private boolean asked;

    /** Whether the caller's transaction stands behind the savepoint. */
    private boolean inside;

    /** Whether the caller's transaction has seen its rows. */
    private boolean looked;

    /** Whether JDBC began the transaction as read-only, and nobody has sent anything since that could change that. */
    private boolean readOnlyByJdbc;

    /** Whether the caller asked for a read-only transaction in SQL. */
    private boolean readOnlyTransaction;

    /** Whether the caller asked for a session of such, now and before the transaction. */
    private boolean readOnlySession;

    private boolean readOnlySessionBefore;

    /** Whether the session's transactions are deferrable unless they say otherwise; null until it is asked. */
    private @Nullable Boolean deferrable;

    /** What the caller had told JDBC before a transaction of Backstop's own. */
    private boolean jdbcReadOnly;

    /** Whether a statement has run whose safety rests on the catalog: what it left behind may run code later. */
    private boolean restedOnCatalog;

    /** Whether the transaction may hold a cursor whose query runs at the COMMIT. */
    private volatile boolean cursorHeld;

    private boolean committedReadOnly;

    /** The cursors of the transaction that were declared outside the fence, as they may write. */
    private final Set<String> writingCursors = new HashSet<>(2);

    SessionFence(Connection connection, PgConnection postgres, OwnStatements ownStatements) throws SQLException {
        this.postgres = postgres;
        this.ownStatements = ownStatements;
        this.readOnlyMode = new DriverReadOnlyMode(postgres);
        this.direct = connection == postgres && postgres.haveMinimumServerVersion(REPORTS_DEFAULT * 10_000);
    }

    /** Does as the policy says from here on; the session's default as soon as no transaction is open. */
    public void follow(ReadFence wanted) throws SQLException {
        if (rule != wanted) {
            rule = wanted;
            pending = true;
        }
        if (pending && state() == TransactionState.IDLE) {
            adopt();
            pending = false;
        }
    }

    private void adopt() throws SQLException {
        if (!asked && postgres.getParameterStatus(DEFAULT) == null) {
            askDefault();
        }
        asked = true;
        if (rule == ReadFence.SESSION && direct && !onStandby() && !isDefaultOn()) {
            defaultSet = setDefault();
            direct = defaultSet;
        } else if (rule != ReadFence.SESSION && defaultSet) {
            outsideTransaction(RESET_DEFAULT);
            defaultSet = false;
        }
    }

    /**
     * Whether it could be set: not where another process than the one that greeted this connection answers. Then a pooler
     * stands between, and the setting would hit whoever has that server process next.
     */
    private boolean setDefault() throws SQLException {
        String query = "SELECT CASE WHEN pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) " + postgres.getBackendPID()
                + " THEN pg_catalog.set_config('" + DEFERRABLE + "', 'off', false)"
                + " OPERATOR(pg_catalog.||) pg_catalog.set_config('" + DEFAULT + "', 'on', false) END";
        boolean set;
        try (Statement statement = postgres.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            set = row.getString(1) != null;
        }
        endOwnTransaction();
        return set;
    }

    private boolean onStandby() {
        return "on".equals(postgres.getParameterStatus("in_hot_standby"));
    }

    private boolean isDefaultOn() {
        String reported = postgres.getParameterStatus(DEFAULT);
        return reported == null ? unreportedOn : reported.equals("on");
    }

    /** What the session began with, where the server does not report it. */
    private void askDefault() throws SQLException {
        try (Statement statement = postgres.createStatement();
                ResultSet row = statement.executeQuery("SHOW " + DEFAULT)) {
            row.next();
            unreportedOn = row.getBoolean(1);
        }
        endOwnTransaction();
    }

    /** Whether SAFE statements of the session are to be fenced: not on a standby, where nobody writes. */
    public boolean watches() {
        return rule != ReadFence.OFF && !onStandby();
    }

    /** Whether all SAFE statements are fenced, and not only those that rest on the catalog. */
    public boolean coversAll() {
        return rule == ReadFence.SESSION;
    }

    /** Whether what is sent outside a transaction is read-only by the session's default, whoever set it. */
    public boolean byDefault() {
        return defaultSet || isDefaultOn();
    }

    /** Whether the server refuses everything until the transaction ends. */
    public boolean hasFailed() {
        return state() == TransactionState.FAILED;
    }

    /** Whether the caller's transaction stands behind the fence. */
    public boolean inside() {
        return inside;
    }

    /** Whether the server would have let the statement write but for the fence. */
    public boolean refusesAlone() throws SQLException {
        return !readOnlyByJdbc && !readOnlyTransaction && !readOnlyOutside() && (defaultSet || !isDefaultOn());
    }

    /** Whether the caller only wants to read outside transactions that JDBC begins. */
    private boolean readOnlyOutside() throws SQLException {
        return readOnlySession || readOnlyMode.readOnlyOutsideTransactions();
    }

    /** @throws UnguardedAccessException where the default was switched off and cannot be switched on again */
    void beginTurn() throws SQLException {
        if (state() == TransactionState.IDLE) {
            transactionEnded();
        }
        if (defaultOff() && state() != TransactionState.FAILED) {
            restoreDefault();
        }
        readOnlyMode.watch();
    }

    /** A transaction of the caller's has ended, whether or not another one has begun. */
    public void transactionEnded() {
        inside = false;
        looked = false;
        readOnlyByJdbc = false;
        readOnlyTransaction = false;
        readOnlySessionBefore = readOnlySession;
        cursorHeld = false;
        writingCursors.clear();
    }

    /** The same, and what was set in it is as it was before. */
    public void rolledBack() {
        readOnlySession = readOnlySessionBefore;
        transactionEnded();
    }

    private boolean defaultOff() {
        return defaultSet && !isDefaultOn();
    }

    private void restoreDefault() throws SQLException {
        try {
            if (state() == TransactionState.IDLE) {
                outsideTransaction(SET_DEFAULT);
            } else {
                execute(SET_DEFAULT);
            }
        } catch (SQLException e) {
            throw new UnguardedAccessException(
                    DEFAULT + " was switched off on this connection, and cannot be switched on again",
                    "close the connection and open another");
        }
    }

    /** Whether the statement just run has switched the default off; it is on again then, if the server lets it be. */
    public boolean restored() {
        if (!defaultOff()) {
            return false;
        }
        try {
            if (state() != TransactionState.FAILED) {
                restoreDefault();
            }
        } catch (SQLException e) {
            // The next turn tries again, and refuses to begin where it cannot.
        }
        return true;
    }

    /** Whether JDBC begins a transaction with what is sent next. */
    public boolean transactionBegins() throws SQLException {
        return state() == TransactionState.IDLE && !postgres.getAutoCommit();
    }

    /**
     * Lets the transaction that JDBC begins with the next statement write, which it must be told before anything else.
     *
     * @param reads whether a statement comes first that is to be fenced
     */
    public void beginTransaction(boolean reads) throws SQLException {
        if (!transactionBegins()) {
            return;
        }
        readOnlyByJdbc = postgres.hintReadOnly();
        if (defaultSet && !readOnlyByJdbc) {
            inside = reads;
            looked = reads;
            String first = readOnlySession ? "" : WRITABLE + "; ";
            execute(first + (reads ? LOOK + "; " + ENTER : ""));
        }
    }

    /** The transaction was ended and another one will begin, which is told the same. */
    void beginAgain() throws SQLException {
        beginTransaction(false);
    }

    /** What makes a transaction of Backstop's own writable, unless the caller wants to read only. */
    void makeWritable() throws SQLException {
        jdbcReadOnly = postgres.isReadOnly();
        if (readOnlyMode.setsSession()) {
            return; // pgjdbc begins it as READ ONLY
        }
        if (jdbcReadOnly) {
            postgres.setReadOnly(false); // it concerns transactions of the caller's, and says nothing to the server
        }
        if (defaultSet && !readOnlySession) {
            execute(WRITABLE);
        }
    }

    /** What makes one read-only: in the round trip of its first statement, where the driver is not told to ignore it. */
    void makeReadOnly() throws SQLException {
        jdbcReadOnly = postgres.isReadOnly();
        postgres.setReadOnly(true); // outside auto-commit, so that it says nothing about the session
        if (deferrableByDefault()) {
            execute("SET TRANSACTION READ ONLY, NOT DEFERRABLE");
        } else if (!postgres.hintReadOnly()) {
            execute("SET TRANSACTION READ ONLY");
        }
    }

    /** Asked once, because the server does not report it, in the transaction that then begins. */
    private boolean deferrableByDefault() throws SQLException {
        if (deferrable == null) {
            try (Statement statement = postgres.createStatement();
                    ResultSet row = statement.executeQuery("SHOW " + DEFERRABLE)) {
                row.next();
                deferrable = row.getBoolean(1);
            }
        }
        return deferrable;
    }

    void ownTransactionEnded() throws SQLException {
        postgres.setReadOnly(jdbcReadOnly);
    }

    /** A transaction was begun in SQL, by BEGIN or by a chain, and has not looked at anything yet. */
    public void begun(boolean readOnly) throws SQLException {
        readOnlyTransaction = readOnly;
        readOnlyByJdbc = false;
        if (!readOnly && !readOnlyOutside() && (defaultSet || committedReadOnly) && state() == TransactionState.OPEN) {
            execute(WRITABLE);
        }
        committedReadOnly = false;
    }

    /** Whether the caller's transaction was begun as one that only reads, which a chained one goes on with. */
    public boolean readOnlyTransaction() {
        return readOnlyByJdbc || readOnlyTransaction;
    }

    /** The caller made the transaction read-only, or no longer so. */
    public void transaction(boolean readOnly) {
        readOnlyByJdbc = false;
        readOnlyTransaction = readOnly;
    }

    /** The caller made the session read-only, or no longer so. */
    public void session(boolean readOnly) {
        readOnlySession = readOnly;
    }

    /** Before a statement that is to be fenced, in a transaction of the caller's. */
    public void enter() throws SQLException {
        boolean readOnlyAnyway = readOnlyByJdbc && postgres.hintReadOnly();
        if (!inside && !readOnlyAnyway && state() != TransactionState.FAILED) {
            execute(looked ? ENTER : LOOK + "; " + ENTER);
            inside = true;
            looked = true;
        }
    }

    /** Before a statement that is not. */
    public void leave() throws SQLException {
        String leaving = leaving();
        if (!leaving.isEmpty()) {
            execute(leaving);
        }
    }

    /** A statement has failed behind the fence: the caller's own transaction is to have failed, as without it. */
    public void failed() throws SQLException {
        if (inside && hasFailed()) {
            inside = false;
            ownStatements.failBehind(postgres, "backstop_fence");
        }
    }

    /** What to send for that before something else; nothing where nothing has to be. */
    String leaving() {
        if (!inside || state() != TransactionState.OPEN) {
            return ""; // after a failure the caller, or pgjdbc for it, goes back to before the savepoint or behind it
        }
        inside = false;
        return LEAVE + "; ";
    }

    /** The caller went back to, or released, a savepoint, and with it this one. */
    public void savepointEnded() {
        inside = false;
        readOnlyTransaction = false; // if it was set behind the savepoint
    }

    /** A statement runs that is SAFE because of what the catalog says. */
    public void restsOnCatalog() {
        restedOnCatalog = true;
    }

    /** Whether a cursor, a prepared statement or a portal may run code that only the catalog vouches for. */
    public boolean restedOnCatalog() {
        return restedOnCatalog;
    }

    /** The transaction may hold a cursor from here on whose query runs at the COMMIT. */
    public void holdsCursor() {
        cursorHeld = true;
    }

    /** Whether a COMMIT must be prepared. */
    public boolean cursorHeld() {
        return cursorHeld;
    }

    /** A cursor was declared that may write when it is fetched from. */
    public void writes(String cursor) {
        writingCursors.add(cursor);
    }

    /** Whether it was declared as one that may write. */
    public boolean mayWrite(String cursor) {
        return writingCursors.contains(cursor);
    }

    /**
     * Before a COMMIT: what waits for it writes, and a cursor that is held only reads. Where what waits fails, the
     * transaction is rolled back, as by the COMMIT.
     */
    public void beforeCommit() throws SQLException {
        if (!cursorHeld || state() != TransactionState.OPEN) {
            return;
        }
        try {
            execute(leaving() + "SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL transaction_read_only = on");
            committedReadOnly = true;
        } catch (SQLException e) {
            if (state() == TransactionState.FAILED) {
                execute("ROLLBACK");
                rolledBack();
            }
            throw e;
        }
    }

    /** Lets what is sent outside a transaction write, until {@link #refuseWrites}; not where the caller only reads. */
    public void allowWrites() throws SQLException {
        if (defaultSet && !readOnlyMode.beginsReadOnly() && !readOnlyOutside()) {
            outsideTransaction(RESET_DEFAULT);
        }
    }

    /** The same for what a text sends after it has committed the open transaction. */
    public void allowWritesAfterCommit() throws SQLException {
        if (state() == TransactionState.FAILED) {
            allowWritesAfterRollback(); // that is what its COMMIT is
        } else if (defaultSet && !readOnlyOutside() && state() == TransactionState.OPEN) {
            execute(RESET_DEFAULT);
        }
    }

    /**
     * The same for what a text sends after the ROLLBACK with which it begins. A setting would be undone by that ROLLBACK, so
     * the transaction is rolled back before, and the text ends an empty one.
     */
    public void allowWritesAfterRollback() throws SQLException {
        if (defaultSet && !readOnlyOutside() && state() != TransactionState.IDLE) {
            execute("ROLLBACK; " + RESET_DEFAULT
                    + "; COMMIT; BEGIN"); // without the COMMIT, BEGIN goes on with the setting
        }
    }

    /** Whether what a text sends after it has rolled back the open transaction is read-only. */
    public boolean refusesAfterRollback() throws SQLException {
        return defaultSet && !readOnlyOutside();
    }

    /**
     * Closes the connection where it fails: it would write unseen from then on. In a transaction that has failed, be it of what
     * the driver sent for itself behind the statement, nothing writes, and the next turn does it.
     */
    public void refuseWrites(Throwable cause) {
        try {
            if (defaultOff() && state() != TransactionState.FAILED) {
                restoreDefault();
            }
        } catch (SQLException e) {
            cause.addSuppressed(e);
            if (state() != TransactionState.FAILED) {
                closeConnection(cause);
            }
        }
    }

    private void closeConnection(Throwable cause) {
        try {
            postgres.close();
        } catch (SQLException e) {
            cause.addSuppressed(e);
        }
    }

    /** In JDBC's auto-commit or not: nothing of the caller's is in a transaction, and nothing is left in one. */
    private void outsideTransaction(String sql) throws SQLException {
        execute(sql);
        endOwnTransaction();
    }

    /** Said in SQL, because only that leaves JDBC's auto-commit as it is. */
    private void endOwnTransaction() throws SQLException {
        if (state() != TransactionState.IDLE) {
            execute("COMMIT");
        }
    }

    private TransactionState state() {
        return postgres.getTransactionState();
    }

    private void execute(String sql) throws SQLException {
        ownStatements.send(postgres, sql);
    }
}
