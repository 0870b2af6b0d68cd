package io.backstop.jdbc.internal.pipeline.session;

import io.backstop.api.snapshot.Connections;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.ServerCall;
import io.backstop.jdbc.internal.pipeline.written.WriteLedger;
import io.backstop.jdbc.internal.pipeline.written.WrittenRows;
import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;
import org.postgresql.PGProperty;
import org.postgresql.core.CachedQuery;
import org.postgresql.core.Parser;
import org.postgresql.core.QueryExecutor;
import org.postgresql.core.TransactionState;
import org.postgresql.jdbc.PgConnection;
import org.postgresql.jdbc.PreferQueryMode;
import org.postgresql.xa.PGXAConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A connection behind the guard, and what the guard has to know of it. Thread-safe: executions of several threads take
 * turns, so that none gets into the transaction that Backstop opens for another.
 */
public final class GuardedSession {
    private static final Logger LOG = LoggerFactory.getLogger(GuardedSession.class);

    private final Connection connection;
    private final Connections more;
    private final PgConnection postgres;
    private final String database;
    private final String configuredAgent;
    private final ReentrantLock turn = new ReentrantLock();
    private final UncommittedSnapshots uncommitted;
    private final SessionFence fence;
    private final DriverSavepoints driverSavepoints;
    private final OwnStatements ownStatements;
    private final WriteLedger ledger;
    private final SessionEnd end;

    /** What was handed in last, in its turn; null where the turn is not a statement's. */
    private volatile @Nullable Statement running;

    /** Whether it belongs to pgjdbc's XAConnection. */
    private final boolean managed;

    /** Whether nothing of the caller's was in a transaction when the turn began. Read and written within the turn. */
    private boolean idleAtTurn;

    /** Whether the open transaction may hold changes of the schema that nobody else sees. Within the turn. */
    private boolean schemaChanged;

    /** Whether the open transaction may hold triggers that wait for its commit. Written within the turn. */
    private volatile boolean deferring;

    /** Whose statement it was that left something last. Read and written within the turn. */
    private String leftBy;

    /** Whether the caller's transaction may insert or have inserted rows. Read and written within the turn. */
    private boolean inserting;

    /** The recovery group of the last statement that was not SAFE, where it has one of its own. */
    private volatile Optional<String> lastChange = Optional.empty();

    /** What is on its way through the pipeline: one in its turn, and those that wait for an approval. */
    private final Set<CancellableExecution<?>> underWay = ConcurrentHashMap.newKeySet();

    /**
     * @param connection pgjdbc's own connection, or a pool's over one
     * @param more where a second connection like it comes from
     * @param database {@code host:port/name}
     * @param configuredAgent who sends the statements for which nobody else is named
     * @throws SQLException where it is not pgjdbc's, or is set up to send names unquoted
     */
    public GuardedSession(Connection connection, Connections more, String database, String configuredAgent)
            throws SQLException {
        this.connection = connection;
        this.more = more;
        this.postgres = connection.unwrap(PgConnection.class);
        this.end = new SessionEnd(connection, postgres, turn);
        this.driverSavepoints = new DriverSavepoints(postgres);
        this.ownStatements = new OwnStatements(postgres, driverSavepoints, end);
        this.fence = new SessionFence(connection, postgres, ownStatements);
        this.uncommitted =
                new UncommittedSnapshots(connection, this::inTransaction, this::inFailedTransaction, this::isNoChange);
        this.ledger = new WriteLedger(postgres.getBackendPID(), WrittenRows.flushes(connection));
        this.managed = Proxy.isProxyClass(connection.getClass())
                && Proxy.getInvocationHandler(connection).getClass().getEnclosingClass() == PGXAConnection.class;
        this.database = database;
        this.configuredAgent = configuredAgent;
        this.leftBy = configuredAgent;
        if (!postgres.getQueryExecutor().getQuoteReturningIdentifiers()) {
            // pgjdbc would put the names of generated-key columns into the text as they are, after it was judged.
            throw new SQLException(
                    "quoteReturningIdentifiers=false cannot be guarded\nHINT: leave that setting out", "F0000");
        }
        @Nullable Properties settings = Driver.parseURL(postgres.getURL(), null);
        if (settings != null && PGProperty.ALLOW_ENCODING_CHANGES.getBoolean(settings)) {
            throw new SQLException(
                    "allowEncodingChanges=true cannot be guarded\nHINT: leave that setting out", "F0000");
        }
        if (inTransaction()) {
            inherit();
        }
    }

    /** Of a transaction that is open already, whoever began it, nothing is known: it may hold all that matters later. */
    private void inherit() {
        schemaChanged = true;
        inserting = true;
        fence.restsOnCatalog();
        fence.holdsCursor();
    }

    public Connection connection() {
        return connection;
    }

    /** Where a second connection to the same database comes from. */
    public Connections more() {
        return more;
    }

    public String database() {
        return database;
    }

    /** The agent for which the connection was opened. */
    public String configuredAgent() {
        return configuredAgent;
    }

    public String agentId() {
        return CurrentAgent.id().orElse(configuredAgent);
    }

    public ReentrantLock turn() {
        return turn;
    }

    public UncommittedSnapshots uncommitted() {
        return uncommitted;
    }

    /** Within the turn. */
    public SessionFence fence() {
        return fence;
    }

    /** Within the turn. */
    public WriteLedger ledger() {
        return ledger;
    }

    /** Within the turn. */
    DriverSavepoints driverSavepoints() {
        return driverSavepoints;
    }

    /** To be told before JDBC commits the caller's transaction. */
    public void committing() throws SQLException {
        if (fence.cursorHeld()) {
            turn.lock(); // another thread's statement belongs to the transaction, too
            try {
                fence.beforeCommit();
            } finally {
                turn.unlock();
            }
        }
    }

    /** To be told after JDBC committed the caller's transaction. Never fails. */
    public void committed() {
        inTurn(() -> {
            fence.transactionEnded();
            uncommitted.committed();
        });
    }

    /** To be told after JDBC rolled the caller's transaction back. Never fails. */
    public void rolledBack() {
        inTurn(() -> {
            fence.rolledBack();
            uncommitted.settle();
        });
    }

    /** Sends what JDBC does to savepoints of the caller's, and keeps in mind that Backstop's is not among them any more. */
    public <T extends @Nullable Object> T aroundSavepoint(boolean sets, ServerCall<T> call) throws SQLException {
        turn.lock();
        try {
            beginTurn();
            if (sets) {
                fence.beginTransaction(false);
                fence.leave();
            }
            T result = call.run();
            fence.savepointEnded();
            uncommitted.settle();
            return result;
        } finally {
            turn.unlock();
        }
    }

    /** To be told after JDBC set something that holds for the session. */
    public void settingsChanged() {
        turn.lock();
        try {
            fence.restored();
        } finally {
            turn.unlock();
        }
    }

    /**
     * Closes the connection, after which nothing is sent for it. What is under way on a pool's connection is cancelled and
     * waited for; a connection of the application's own breaks off below it, as without Backstop.
     *
     * @param settlement looks at what the open transaction holds. A pool may commit it, or leave it to the next user; where it
     *     fails, the transaction is rolled back, the connection is closed all the same, and the failure is thrown
     */
    public void close(ServerCall<?> settlement, ServerCall<?> call) throws SQLException {
        end.begin();
        if (connection == postgres) {
            try {
                inTurn(uncommitted::settleBeforeClose);
                call.run();
            } finally {
                end.complete();
            }
            return;
        }
        boolean taken = end.awaitTurn(this::cancelUnderWay);
        try {
            if (!end.isOver()) {
                Optional<SQLException> failure = taken ? settleOpen(settlement) : Optional.empty();
                leaveFence();
                try {
                    call.run();
                } catch (SQLException e) {
                    failure.ifPresent(e::addSuppressed);
                    throw e;
                }
                if (failure.isPresent()) {
                    throw failure.get();
                }
            }
        } finally {
            end.complete();
            if (taken) {
                turn.unlock();
            }
        }
    }

    private Optional<SQLException> settleOpen(ServerCall<?> settlement) {
        if (!inTransaction() || inFailedTransaction()) {
            return Optional.empty();
        }
        try {
            startTurn();
            settlement.run();
            if (fence.cursorHeld()) {
                closeHeldCursors();
            }
            return Optional.empty();
        } catch (SQLException e) {
            rollBackBeforeClose(e);
            return Optional.of(e);
        } catch (RuntimeException e) {
            SQLException failure = new SQLException("what the transaction left could not be looked at", e);
            rollBackBeforeClose(failure);
            return Optional.of(failure);
        }
    }

    /** Their queries run at the commit, which nobody fences. */
    private void closeHeldCursors() throws SQLException {
        for (String name : WrittenRows.heldCursors(connection)) {
            send("CLOSE " + postgres.escapeIdentifier(name));
        }
    }

    private void rollBackBeforeClose(SQLException why) {
        try {
            if (inTransaction()) {
                send("ROLLBACK");
            }
            uncommitted.settle();
        } catch (SQLException e) {
            why.addSuppressed(e);
            end.abort("a transaction could not be rolled back before its connection was closed");
        }
    }

    /** In a transaction that goes on, as one of a transaction manager's, the next user is to write as without Backstop. */
    private void leaveFence() {
        try {
            fence.leave();
        } catch (SQLException e) {
            LOG.debug("the read fence could not be left before the close: SQLSTATE {}", e.getSQLState());
        }
    }

    private void cancelUnderWay() throws SQLException {
        for (CancellableExecution<?> execution : underWay) {
            execution.stopUnlessWaiting("its connection was closed");
        }
        Statement statement = running;
        if (statement != null) {
            statement.cancel();
        }
    }

    /** Aborts the connection, after which nothing is sent for it. */
    public void abort(ServerCall<?> call) throws SQLException {
        end.begin();
        try {
            call.run();
        } finally {
            end.complete();
        }
    }

    /** Whether nothing is sent any more: it was closed or aborted, or what stands under it. */
    public boolean isOver() throws SQLException {
        return end.isOver();
    }

    /** @throws SQLException where it was closed or aborted, or is being so */
    public void requireOpen() throws SQLException {
        end.requireOpen();
    }

    /** Makes a call that sends nothing, or nothing that has to wait for a turn, unless the connection was closed. */
    public <T extends @Nullable Object> T whileOpen(ServerCall<T> call) throws SQLException {
        return end.whileOpen(call);
    }

    /** To be told in its turn that the caller's statement is under way from here on; null where none is any more. */
    public void running(@Nullable Statement statement) {
        running = statement;
    }

    /** Not while another thread has its turn: that could take long, and settles the same at its end. */
    private void inTurn(Runnable action) {
        if (turn.tryLock()) {
            try {
                action.run();
            } finally {
                turn.unlock();
            }
        }
    }

    /**
     * To be told before Backstop itself sends anything for a statement.
     *
     * @throws SQLException where the connection was closed
     */
    public void beginTurn() throws SQLException {
        end.requireOpen();
        startTurn();
    }

    private void startTurn() throws SQLException {
        idleAtTurn = !inTransaction();
        fence.beginTurn();
        if (idleAtTurn) {
            schemaChanged = false;
            deferring = false;
            inserting = false;
            ledger.begin();
        }
    }

    /**
     * Has the server say what the open transaction has changed so far, where that is not known; outside of one, that what comes
     * next begins with nothing.
     *
     * @return whether it is known now: not outside a transaction where the server cannot be told, nor in one that has failed
     */
    public boolean knowsWhatIsWritten() throws SQLException {
        if (!ledger.isKnown() && !inFailedTransaction()) {
            ledger.account(WrittenRows.readAll(connection));
            if (!inTransaction()) {
                ledger.begin(); // the server takes over by then what is left of earlier transactions
            }
        }
        return ledger.isKnown();
    }

    /** To be told when a statement may have changed the schema. */
    public void changedSchema() {
        schemaChanged = inTransaction();
    }

    /** Whether the session may see another schema than others do. */
    public boolean schemaChanged() {
        return schemaChanged;
    }

    /** To be told when a statement of the caller's transaction may have left triggers for the commit. */
    public void deferring() {
        deferring = inTransaction();
        leftBy = agentId();
    }

    /** The same when a statement is sent of which {@link WriteLedger#leaveOpen} is to know. */
    public void leaveOpen(boolean writes, boolean defines) {
        ledger.leaveOpen(writes, defines);
        leftBy = agentId();
    }

    /**
     * Looks at what was left, in the name of the agent whose statement left something last, whoever commits it.
     *
     * @param look fails where what was left is refused
     */
    public void lookAsWriter(Look look) throws SQLException {
        try {
            CurrentAgent.during(leftBy, () -> {
                look.run();
                return leftBy;
            });
        } catch (SQLException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e); // a look throws nothing else
        }
    }

    /** A look at what a transaction holds. */
    public interface Look {
        void run() throws SQLException;
    }

    /** Whether triggers may run at the commit that were not counted. */
    public boolean isDeferring() {
        return deferring;
    }

    /** To be told before each statement that is not SAFE, and after one for which rows were stored. */
    public void changed(Optional<String> groupId) {
        lastChange = groupId;
    }

    /** What was stored for it was taken back with the statement. */
    private void isNoChange(String groupId) {
        lastChange = lastChange.filter(group -> !group.equals(groupId));
    }

    /** By which name the last statement that was not SAFE can be undone; empty where nothing was stored for it. */
    public Optional<String> lastChange() {
        return lastChange;
    }

    /** To be told before a statement that may insert rows. */
    public void inserting() {
        inserting = true;
    }

    /** Whether earlier statements of the caller's transaction may have inserted rows. */
    public boolean isInserting() {
        return inserting && !idleAtTurn;
    }

    /** Whether all that the open transaction holds, if there is one, was sent by Backstop in this turn. */
    public boolean idleAtTurn() {
        return idleAtTurn;
    }

    /** Whether the open transaction may go on seeing the catalog as it was when it began. */
    public boolean seesCatalogAsItWas() throws SQLException {
        return !idleAtTurn
                && !"read committed".equals(value("SELECT pg_catalog.current_setting('transaction_isolation')"));
    }

    /** Lets others stop the execution from here on. Within the turn. */
    public <T extends @Nullable Object> CancellableExecution<T> begin(Execution<T> execution) {
        CancellableExecution<T> cancellable =
                new CancellableExecution<>(postgres::cancelQuery, end::requireAlive, execution);
        underWay.add(cancellable);
        return cancellable;
    }

    /** The execution is over; nobody cancels anything for it any more. */
    public void end(CancellableExecution<?> execution) {
        underWay.remove(execution);
        execution.end();
    }

    /** The same for a statement that is closed; one that waits for an approval sees that by itself. */
    public void stopClosed(Statement statement) throws SQLException {
        for (CancellableExecution<?> execution : underWay) {
            if (execution.statement() == statement) {
                execution.stopUnlessWaiting("it was closed");
            }
        }
    }

    /** Stops what is done for a statement before it runs, or after. Called by any thread. */
    public void stop(Statement statement) throws SQLException {
        for (CancellableExecution<?> execution : underWay) {
            if (execution.statement() == statement) {
                execution.stop("it was cancelled");
            }
        }
    }

    /** As the server last reported it; costs no round trip. */
    public boolean standardConformingStrings() {
        return !"off".equals(postgres.getParameterStatus("standard_conforming_strings"));
    }

    /** The encoding of the database, as the server reports it; costs no round trip. */
    public String serverEncoding() {
        return String.valueOf(postgres.getParameterStatus("server_encoding"));
    }

    /** Whether the server is in a transaction, whoever began it: JDBC, or a BEGIN that was sent as a statement. */
    public boolean inTransaction() {
        return postgres.getTransactionState() != TransactionState.IDLE;
    }

    /** Whether the server refuses everything until the transaction ends. */
    public boolean inFailedTransaction() {
        return postgres.getTransactionState() == TransactionState.FAILED;
    }

    /**
     * The text as pgjdbc will send it, where its rewriting of JDBC escapes and parameters changes it: what it joins or
     * drops can make other tokens of it.
     */
    public String sent(String sql) throws SQLException {
        return sql.indexOf('{') < 0 && sql.indexOf('?') < 0 ? sql : connection.nativeSQL(sql);
    }

    /** Whether what is sent next is a transaction of itself. */
    public boolean outsideTransaction() throws SQLException {
        return !inTransaction() && postgres.getAutoCommit();
    }

    /** Whether a transaction manager may end the open transaction, and nothing of that goes through the guard. */
    public boolean endsUnseen() throws SQLException {
        return managed && !outsideTransaction();
    }

    /** Whether pgjdbc sends texts as they are, so that it cannot describe one without running it. */
    public boolean sendsPlainText() {
        return postgres.getPreferQueryMode() == PreferQueryMode.SIMPLE;
    }

    /** The text of a callable statement as pgjdbc will send it, by the connection's escapeSyntaxCallMode. */
    public String sentCall(String sql) throws SQLException {
        QueryExecutor executor = postgres.getQueryExecutor();
        CachedQuery parsed = executor.borrowCallableQuery(sql);
        try {
            return parsed.query.getNativeSql();
        } finally {
            executor.releaseQuery(parsed);
        }
    }

    /** Whether pgjdbc keeps every text as it parsed it, and not prepared ones alone. */
    public boolean keepsParsedTexts() {
        return postgres.getPreferQueryMode() == PreferQueryMode.EXTENDED_CACHE_EVERYTHING;
    }

    /** Whether pgjdbc would have rewritten the text's JDBC escapes otherwise under the other standard_conforming_strings. */
    public boolean mayHaveSentOtherwise(String sql) {
        if (sql.indexOf('{') < 0 || sql.indexOf('\\') < 0) {
            return false;
        }
        try {
            return !Parser.replaceProcessing(sql, true, true).equals(Parser.replaceProcessing(sql, true, false));
        } catch (SQLException e) {
            return false; // one of the two it refuses to parse, so that one was never parsed
        }
    }

    /**
     * Ends the transaction in which Backstop has only asked the catalog, where it began one: the caller's own first
     * statement decides what its transaction sees. Said in SQL, as some pools forbid it in JDBC.
     */
    public void endOwnTransaction() throws SQLException {
        if (idleAtTurn && inTransaction() && !connection.getAutoCommit()) {
            send("ROLLBACK");
            fence.beginAgain();
        }
    }

    /** A hash over the statements that were prepared in SQL, which decide what EXECUTE does. */
    public String preparedStatements() throws SQLException {
        return value("SELECT pg_catalog.md5(coalesce(pg_catalog.string_agg(pg_catalog.concat(name, ' ', statement), ';'"
                + " ORDER BY name), '')) FROM pg_catalog.pg_prepared_statements WHERE from_sql");
    }

    /**
     * One row of what the server process knows that will run the next statement; empty where behind a pooler another may.
     *
     * @param query its first column is pg_backend_pid()
     * @return the other columns
     */
    public List<@Nullable String> rowOfBackend(String query, String... parameters) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(query)) {
            for (int i = 0; i < parameters.length; i++) {
                select.setString(i + 1, parameters[i]);
            }
            try (ResultSet row = select.executeQuery()) {
                row.next();
                if (row.getInt(1) != postgres.getBackendPID() && !inTransaction()) {
                    return List.of();
                }
                List<@Nullable String> columns = new ArrayList<>();
                for (int i = 2; i <= row.getMetaData().getColumnCount(); i++) {
                    columns.add(row.getString(i));
                }
                return columns;
            }
        }
    }

    /** Has the transaction fail outside of a savepoint of Backstop's behind which a statement of the caller's has failed. */
    void failBehind(String savepoint) throws SQLException {
        ownStatements.failBehind(connection, savepoint);
    }

    /** Has the transaction fail again that a text has gone back in, which was refused then; a failure is added to why. */
    public void failAgain(Exception why) {
        if (inTransaction() && !inFailedTransaction()) {
            try {
                ownStatements.fail(connection);
            } catch (SQLException e) {
                why.addSuppressed(e);
            }
        }
    }

    /** Sends a statement of Backstop's own. */
    public void send(String sql) throws SQLException {
        ownStatements.send(connection, sql);
    }

    String value(String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getString(1);
        }
    }
}
