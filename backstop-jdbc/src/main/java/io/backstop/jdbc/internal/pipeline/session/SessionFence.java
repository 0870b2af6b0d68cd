package io.backstop.jdbc.internal.pipeline.session;

import io.backstop.api.error.UnguardedAccessException;
import io.backstop.api.policy.ReadFence;
import org.postgresql.core.TransactionState;
import org.postgresql.jdbc.PgConnection;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * What the server was told so that it keeps one session's SAFE statements from changing anything: outside transactions the
 * default {@code default_transaction_read_only}, in a transaction of the caller's a savepoint behind which it is read-only.
 * That savepoint stays until a statement comes that may write, so that a row of reads costs one round trip. Used within
 * the session's turn.
 */
public final class SessionFence {
    private static final String DEFAULT = "default_transaction_read_only";
    private static final String SET_DEFAULT = "SET " + DEFAULT + " = on";
    private static final String RESET_DEFAULT = "SET " + DEFAULT + " = off";
    private static final String WRITABLE = "SET TRANSACTION READ WRITE";
    private static final String ENTER = "SAVEPOINT backstop_fence; SET LOCAL transaction_read_only = on";
    private static final String LEAVE = "RELEASE SAVEPOINT backstop_fence";

    /** The first version that reports the default whenever it changes (release notes of PostgreSQL 14). */
    private static final int REPORTS_DEFAULT = 14;

    private final PgConnection postgres;

    /** Whether the session is the caller's alone, so that a setting of it hits nobody else. */
    private boolean direct;

    private ReadFence rule = ReadFence.OFF;
    private boolean defaultSet;

    /** Whether the caller's transaction stands behind the savepoint. */
    private boolean inside;

    /** Whether the caller asked for a read-only transaction, or for a session of such. */
    private boolean readOnlyTransaction;

    private boolean readOnlySession;

    /** What the caller had told JDBC before a read-only transaction of Backstop's own. */
    private boolean readOnlyForJdbc;

    /** Whether a statement has run whose safety rests on the catalog: what it left behind may run code later. */
    private boolean restedOnCatalog;

    private volatile boolean declaredCursor;

    SessionFence(Connection connection, PgConnection postgres) throws SQLException {
        this.postgres = postgres;
        this.direct = connection == postgres && postgres.haveMinimumServerVersion(REPORTS_DEFAULT * 10_000);
    }

    /** Does as the policy says from here on, as soon as no transaction is open. */
    public void follow(ReadFence wanted) throws SQLException {
        if (rule != wanted && state() == TransactionState.IDLE) {
            adopt(wanted);
        }
    }

    private void adopt(ReadFence wanted) throws SQLException {
        if (wanted == ReadFence.SESSION && direct && !readOnlyByServer()) {
            defaultSet = setDefault();
            direct = defaultSet;
        } else if (defaultSet) {
            outsideTransaction(RESET_DEFAULT);
            defaultSet = false;
        }
        rule = wanted;
    }

    /**
     * Whether it could be set: not where another process than the one that greeted this connection answers. Then a pooler
     * stands between, and the setting would hit whoever has that server process next.
     */
    private boolean setDefault() throws SQLException {
        String query = "SELECT CASE WHEN pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) " + postgres.getBackendPID()
                + " THEN pg_catalog.set_config('" + DEFAULT + "', 'on', false) END";
        boolean set;
        try (Statement statement = postgres.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            set = row.getString(1) != null;
        }
        endOwnTransaction();
        return set;
    }

    /** Whether it is a standby, or was made read-only for this role or database: then there is nothing to add. */
    private boolean readOnlyByServer() {
        return "on".equals(postgres.getParameterStatus("in_hot_standby"))
                || (!defaultSet && "on".equals(postgres.getParameterStatus(DEFAULT)));
    }

    /** Whether a SAFE statement of the session is to be fenced now. */
    public boolean watches() {
        return rule != ReadFence.OFF && !readOnlyTransaction && !readOnlySession && (defaultSet || !readOnlyByServer());
    }

    /** Whether all SAFE statements are fenced, and not only those that rest on the catalog. */
    public boolean coversAll() {
        return rule == ReadFence.SESSION;
    }

    /** Whether what is sent outside a transaction is fenced by the session's default. */
    public boolean byDefault() {
        return defaultSet;
    }

    /** @throws UnguardedAccessException where the default was switched off and cannot be switched on again */
    void beginTurn() throws SQLException {
        if (state() == TransactionState.IDLE) {
            inside = false;
            readOnlyTransaction = false;
            declaredCursor = false;
        } else if (state() == TransactionState.FAILED) {
            inside = false; // whatever the caller does now, it ends the savepoint
        }
        if (defaultOff() && state() != TransactionState.FAILED) {
            restoreDefault();
        }
    }

    private boolean defaultOff() {
        return defaultSet && !"on".equals(postgres.getParameterStatus(DEFAULT));
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
        readOnlyTransaction = postgres.hintReadOnly();
        if (defaultSet && watches()) {
            execute(reads ? WRITABLE + "; " + ENTER : WRITABLE);
            inside = reads;
        }
    }

    /** The transaction was ended and another one will begin, which is told the same. */
    void beginAgain() throws SQLException {
        inside = false;
        beginTransaction(false);
    }

    /** What makes a transaction of Backstop's own writable, unless the caller wants to read only. */
    void makeWritable() throws SQLException {
        if (defaultSet && !readOnlySession && !postgres.hintReadOnly()) {
            execute(WRITABLE);
        }
    }

    /** What makes one read-only: in the round trip of its first statement, where the driver is not told to ignore it. */
    void makeReadOnly() throws SQLException {
        readOnlyForJdbc = postgres.isReadOnly();
        postgres.setReadOnly(true); // outside auto-commit, so that it says nothing about the session
        if (!postgres.hintReadOnly()) {
            execute("SET TRANSACTION READ ONLY");
        }
    }

    void readOnlyEnded() throws SQLException {
        postgres.setReadOnly(readOnlyForJdbc);
    }

    /** A BEGIN was sent as a statement, as the last of its text. */
    public void begun(boolean readOnly) throws SQLException {
        readOnlyTransaction = readOnly;
        if (!readOnly && defaultSet && watches() && state() == TransactionState.OPEN) {
            execute(WRITABLE);
        }
    }

    /** The caller made the session read-only, or no longer so. */
    public void session(boolean readOnly) {
        readOnlySession = readOnly;
    }

    /** Before a statement that is to be fenced, in a transaction of the caller's. */
    public void enter() throws SQLException {
        if (!inside && state() != TransactionState.FAILED) {
            execute(ENTER);
            inside = true;
        }
    }

    /** Before a statement that is not. */
    public void leave() throws SQLException {
        String leaving = leaving();
        if (!leaving.isEmpty()) {
            execute(leaving);
        }
    }

    /** What to send for that before something else; nothing where nothing has to be. */
    String leaving() {
        if (!inside || state() != TransactionState.OPEN) {
            return "";
        }
        inside = false;
        return LEAVE + "; ";
    }

    /** The caller went back to, or released, a savepoint, and with it this one. */
    public void savepointEnded() {
        inside = false;
    }

    /** A statement runs that is SAFE because of what the catalog says. */
    public void restsOnCatalog() {
        restedOnCatalog = true;
    }

    /** Whether a cursor, a prepared statement or a portal may run code that only the catalog vouches for. */
    public boolean restedOnCatalog() {
        return restedOnCatalog;
    }

    /** A cursor was declared behind the fence; if it is held, its query runs at the COMMIT. */
    public void declared() {
        declaredCursor = true;
    }

    boolean cursorDeclared() {
        return declaredCursor;
    }

    /** Before a COMMIT: what waits for it writes, and a cursor that is held only reads. */
    public void beforeCommit() throws SQLException {
        if (declaredCursor && state() == TransactionState.OPEN) {
            declaredCursor = false;
            execute(leaving() + "SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL transaction_read_only = on");
        }
    }

    /** Lets what is sent outside a transaction write, until {@link #refuseWrites}. */
    public void allowWrites() throws SQLException {
        if (defaultSet) {
            outsideTransaction(RESET_DEFAULT);
        }
    }

    /** Closes the connection where it fails: it would write unseen from then on. */
    public void refuseWrites(Throwable cause) {
        if (!defaultSet) {
            return;
        }
        try {
            if (state() != TransactionState.FAILED) {
                restoreDefault();
            }
        } catch (SQLException e) {
            cause.addSuppressed(e);
            closeConnection(cause);
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
        try (Statement statement = postgres.createStatement()) {
            statement.execute(sql);
        }
    }
}
