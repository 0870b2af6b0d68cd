package io.backstop.snapshot.internal.loss;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.internal.postgres.TrackCounts;
import io.backstop.snapshot.internal.lock.CapturedTableIds;
import io.backstop.snapshot.internal.session.CallerSession;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Compares what the session did to tables between two moments of one transaction, to find rows that went although nobody
 * saved them: updated or deleted ones by the server's counters for this transaction, truncated tables by their new file,
 * lost columns by their number, dropped tables by the lock that their drop left behind. What each of these can and cannot
 * see is told in {@code docs/adr/0006-checking-the-aftermath.md}.
 */
public final class CollateralLossCheck {
    private static final String TABLES = """
            SELECT c.oid, n.nspname, c.relname, coalesce(pg_catalog.pg_relation_filenode(c.oid), 0) AS file,
                   coalesce(a.dropped, 0) AS dropped,
                   c.relpersistence = 't' AS temporary,
                   c.oid IN (SELECT l.relation FROM pg_catalog.pg_locks l WHERE l.locktype = 'relation' AND l.granted
                             AND l.pid = pg_catalog.pg_backend_pid() AND l.mode = 'AccessExclusiveLock') AS locked,
                   coalesce(pg_catalog.pg_stat_get_xact_tuples_updated(c.oid), 0) AS updated,
                   coalesce(pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid), 0) AS deleted
            FROM pg_catalog.pg_class c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN (SELECT attrelid, pg_catalog.count(*) AS dropped FROM pg_catalog.pg_attribute
                       WHERE attisdropped GROUP BY attrelid) a ON a.attrelid = c.oid
            WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
              AND (c.relpersistence <> 't' OR c.relnamespace = pg_catalog.pg_my_temp_schema())
            """;

    /**
     * Tables that the session has locked and that are newer than its transaction's snapshot, so that {@link #TABLES} does
     * not show them: {@code pg_locks} and the functions here answer for the moment.
     */
    private static final String UNSEEN = """
            SELECT l.relation AS oid, '' AS nspname, l.relation::pg_catalog.regclass::pg_catalog.text AS relname,
                   coalesce(pg_catalog.pg_relation_filenode(l.relation), 0) AS file,
                   (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = l.relation AND a.attisdropped) AS dropped, false AS temporary,
                   pg_catalog.bool_or(l.mode = 'AccessExclusiveLock') AS locked,
                   coalesce(pg_catalog.pg_stat_get_xact_tuples_updated(l.relation), 0) AS updated,
                   coalesce(pg_catalog.pg_stat_get_xact_tuples_deleted(l.relation), 0) AS deleted
            FROM pg_catalog.pg_locks l
            WHERE l.locktype = 'relation' AND l.granted AND l.pid = pg_catalog.pg_backend_pid()
              AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')
              AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
              AND pg_catalog.has_table_privilege(l.relation, 'SELECT') IS NOT NULL
              AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = l.relation)
            GROUP BY l.relation
            """;

    /**
     * A dropped relation stays locked by its own transaction, and has no privileges any more. Not asked of pg_class, where
     * an older snapshot may still see a version of it.
     */
    private static final String GONE = """
            SELECT l.relation FROM pg_catalog.pg_locks l
            WHERE l.locktype = 'relation' AND l.pid = pg_catalog.pg_backend_pid() AND l.granted
              AND l.mode = 'AccessExclusiveLock'
              AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
              AND pg_catalog.has_table_privilege(l.relation, 'SELECT') IS NULL
            """;

    /** Every relation that there is, tables or not; those of them that go without rows are nobody's loss. */
    private static final String RELATIONS = "SELECT oid FROM pg_catalog.pg_class";

    /** Whatever one of these does goes uncounted, and nothing tells afterwards. Only a superuser can make one. */
    private static final String UNCOUNTED =
            "SELECT p.pronamespace::pg_catalog.regnamespace || '.' || pg_catalog.quote_ident(p.proname) "
                    + TrackCounts.FUNCTIONS_THAT_MAY_SWITCH_IT_OFF + "ORDER BY 1 LIMIT 1";

    private final CallerSession session;
    private final CapturedTableIds saved;
    private final boolean drops;
    private final Map<Long, State> before;
    private final Set<Long> relationsBefore;
    private final Set<Long> goneBefore;
    private final NonTableLosses beyondBefore;

    private CollateralLossCheck(CallerSession session, CapturedTableIds saved, boolean drops)
            throws SQLException, RecoveryNotReadyException {
        this.session = session;
        this.saved = saved;
        this.drops = drops;
        requireCounters();
        refuseUncounted();
        this.before = tables();
        this.relationsBefore = drops ? oids(RELATIONS) : Set.of();
        this.goneBefore = oids(GONE);
        this.beyondBefore = NonTableLosses.now(session);
    }

    private CollateralLossCheck(CollateralLossCheck look, CapturedTableIds saved) {
        this.session = look.session;
        this.saved = saved;
        this.drops = look.drops;
        this.before = look.before;
        this.relationsBefore = look.relationsBefore;
        this.goneBefore = look.goneBefore;
        this.beyondBefore = look.beyondBefore;
    }

    /**
     * Looks at everything as it is before the statement.
     *
     * @param saved the tables whose rows are safe
     * @param drops whether the statement may have dropped what this look does not see: because it drops what it names, and
     *     that may have come in between, or because the transaction sees the catalog of a past moment
     */
    public static CollateralLossCheck expect(CallerSession session, CapturedTableIds saved, boolean drops)
            throws SQLException, RecoveryNotReadyException {
        return new CollateralLossCheck(session, saved, drops);
    }

    /** The same look before, where other tables are safe than was known then. */
    public CollateralLossCheck with(CapturedTableIds others) {
        return new CollateralLossCheck(this, others);
    }

    /** Fails where something else is missing than what was saved. Leaves the session as it was. */
    public void confirm() throws SQLException, RecoveryNotReadyException {
        session.execute("SAVEPOINT backstop_confirm; SET LOCAL search_path = pg_catalog, pg_temp; "
                + "SET LOCAL statement_timeout = 0; SET LOCAL standard_conforming_strings = on");
        compareAll();
        session.execute("ROLLBACK TO SAVEPOINT backstop_confirm; RELEASE SAVEPOINT backstop_confirm");
    }

    private void compareAll() throws SQLException, RecoveryNotReadyException {
        requireCounters();
        beyondBefore.compare(session);
        Map<Long, State> after = tables();
        for (Map.Entry<Long, State> table : after.entrySet()) {
            State was = before.get(table.getKey());
            if (was == null) {
                checkNew(table.getValue());
            } else if (saved.byRow().contains(table.getKey())) {
                compareWhole(was, table.getValue());
            } else if (!saved.whole().contains(table.getKey())) {
                compareRows(was, table.getValue());
                compareWhole(was, table.getValue());
            }
        }
        Set<Long> gone = oids(GONE);
        gone.removeAll(goneBefore);
        gone.removeAll(saved.whole());
        for (long oid : gone) {
            State was = before.get(oid);
            if (was != null) {
                throw lost(was.name(), "was dropped");
            }
            if (drops && !relationsBefore.contains(oid)) {
                throw new RecoveryNotReadyException(
                        "the statement dropped a table that appeared after the snapshot was taken",
                        "run it again, so that the table is saved too");
            }
        }
    }

    private static void compareRows(State was, State is) throws RecoveryNotReadyException {
        // A TRUNCATE sets the counters back, so lower ones are no good sign either; the new file is what tells it.
        if (is.updated() > was.updated() || is.deleted() > was.deleted()) {
            throw lost(is.name(), "had rows updated or deleted");
        }
    }

    /** Both need the strongest lock, which a transaction keeps: without it, it was another one. */
    private static void compareWhole(State was, State is) throws RecoveryNotReadyException {
        if (!is.locked()) {
            return;
        }
        if (is.file() != was.file()) {
            throw lost(is.name(), "was truncated or rewritten");
        }
        if (is.droppedColumns() != was.droppedColumns()) {
            throw lost(is.name(), "lost a column");
        }
    }

    /**
     * A table that was not there is the statement's own or somebody else's, committed meanwhile. Of one's own nothing can
     * be lost that was there before; but which it is cannot be told, unless it is temporary. A new table's file has the
     * number of its oid, until it is truncated or rewritten.
     */
    private static void checkNew(State table) throws RecoveryNotReadyException {
        if (table.temporary()) {
            return;
        }
        if (table.updated() > 0 || table.deleted() > 0) {
            throw lost(table.name(), "had rows updated or deleted");
        }
        if (table.locked() && table.file() != 0 && table.file() != table.oid()) {
            throw lost(table.name(), "was truncated or rewritten");
        }
        if (table.locked() && table.droppedColumns() > 0) {
            throw lost(table.name(), "lost a column");
        }
    }

    private static RecoveryNotReadyException lost(RelationName table, String how) {
        return new RecoveryNotReadyException(
                "table " + table + " " + how + " by the statement, through a trigger, a rule or a function, and is not "
                        + "among the saved tables",
                "add it to a recovery group of the policy, so that it is saved along with the others");
    }

    /** Without them an update elsewhere would go unseen. */
    private void requireCounters() throws SQLException, RecoveryNotReadyException {
        if (!session.value("SELECT " + TrackCounts.SETTING).equals("on")) {
            throw new RecoveryNotReadyException(
                    "the setting track_counts is off, so it cannot be told which tables a statement changes",
                    "set track_counts to on");
        }
    }

    private void refuseUncounted() throws SQLException, RecoveryNotReadyException {
        List<String> functions = session.rows(UNCOUNTED, row -> row.getString(1));
        if (!functions.isEmpty()) {
            throw new RecoveryNotReadyException(
                    "function " + functions.get(0) + " may switch track_counts off while it runs, so it cannot be told "
                            + "which tables a statement changes",
                    "take the setting out of the function");
        }
    }

    private Map<Long, State> tables() throws SQLException {
        Map<Long, State> tables = new HashMap<>();
        for (String query : List.of(TABLES, UNSEEN)) {
            for (State state : session.rows(query, State::read)) {
                tables.put(state.oid(), state);
            }
        }
        return tables;
    }

    private Set<Long> oids(String sql) throws SQLException {
        List<Long> rows = session.rows(sql, row -> row.getLong(1));
        return new HashSet<>(rows);
    }

    private record State(
            long oid,
            RelationName name,
            long file,
            long droppedColumns,
            boolean temporary,
            boolean locked,
            long updated,
            long deleted) {
        static State read(ResultSet row) throws SQLException {
            return new State(
                    row.getLong("oid"),
                    name(row.getString("nspname"), row.getString("relname")),
                    row.getLong("file"),
                    row.getLong("dropped"),
                    row.getBoolean("temporary"),
                    row.getBoolean("locked"),
                    row.getLong("updated"),
                    row.getLong("deleted"));
        }

        private static RelationName name(String schema, String name) {
            return schema.isEmpty() ? RelationName.of(name) : RelationName.of(schema, name);
        }
    }
}
