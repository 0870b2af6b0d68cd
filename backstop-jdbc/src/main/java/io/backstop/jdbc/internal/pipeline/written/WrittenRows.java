package io.backstop.jdbc.internal.pipeline.written;

import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.internal.postgres.TrackCounts;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogSql;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * How many rows a session has changed and inserted in each table that its transaction holds as a writer, whatever led there:
 * locks are held to the end, and neither they nor the statistics depend on a snapshot or on names. Tables of the system
 * catalog may be released before, so those that definitions and large objects are kept in are looked at by their oids, which
 * are the same in every version. The statistics hold besides what the server has not taken over from earlier transactions.
 * Immutable.
 *
 * @param byTable the rows that were updated or deleted, by the table's oid, where there are any
 * @param inserted the rows that were inserted into tables of the user's, in the same way
 * @param process the server process that answered
 * @param deferring whether code of the user's may wait for the commit
 * @param holding whether the transaction has declared a cursor WITH HOLD, whose query runs at the commit
 */
public record WrittenRows(
        Map<Long, Long> byTable, Map<Long, Long> inserted, int process, boolean deferring, boolean holding) {
    /**
     * pg_proc, pg_class, pg_attribute, pg_trigger, pg_rewrite, pg_operator, pg_cast, pg_type, pg_attrdef, pg_constraint, pg_policy,
     * pg_authid, pg_index, pg_inherits, pg_namespace, pg_enum and pg_description.
     */
    private static final String DEFINITIONS =
            "1255,1259,1249,2620,2618,2617,2605,1247,2604,2606,3256,1260,2610,2611,2615,3501,2609";

    /** pg_largeobject and pg_largeobject_metadata. */
    private static final Set<Long> LARGE_OBJECTS = Set.of(2613L, 2995L);

    /** The process, and each table with its changed and inserted rows; NULL where the server does not count. */
    private static final String COUNTED = """
            (SELECT CASE WHEN %s OPERATOR(pg_catalog.=) 'on' THEN pg_catalog.concat(pg_catalog.pg_backend_pid(), (
                SELECT pg_catalog.string_agg(pg_catalog.concat(',', w.relation, ' ', w.changed, ' ', w.inserted), '')
                FROM (SELECT v.relation, coalesce(pg_catalog.pg_stat_get_xact_tuples_updated(v.relation), 0)
                        OPERATOR(pg_catalog.+) coalesce(pg_catalog.pg_stat_get_xact_tuples_deleted(v.relation), 0) AS changed,
                        coalesce(pg_catalog.pg_stat_get_xact_tuples_inserted(v.relation), 0) AS inserted
                    FROM (%s
                        UNION SELECT pg_catalog.unnest('{%s}'::pg_catalog.oid[])) AS v (relation)) AS w
                LEFT JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) w.relation
                WHERE (c.oid IS NULL OR c.relkind OPERATOR(pg_catalog.=) 'r')
                AND (w.changed OPERATOR(pg_catalog.>) 0::pg_catalog.int8
                    OR w.inserted OPERATOR(pg_catalog.>) 0::pg_catalog.int8))) END) AS written""".replace('\n', ' ');

    private static final String LOCKED = """
            SELECT l.relation FROM pg_catalog.pg_locks AS l
            WHERE l.locktype OPERATOR(pg_catalog.=) 'relation'
            AND l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
            AND NOT l.mode OPERATOR(pg_catalog.=) ANY ('{AccessShareLock,RowShareLock}'::pg_catalog.text[])""".replace('\n', ' ');

    private static final String EVERY = "SELECT oid FROM pg_catalog.pg_class";

    /**
     * Whether code of the user's may wait for the commit. Above READ COMMITTED the catalog is seen as it was, so that it may.
     */
    public static final String DEFERRING =
            "(SELECT pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.<>) 'read committed' OR "
                    + DeferredCode.MAY_WAIT + ") AS deferring";

    /** The cursors WITH HOLD that this transaction has declared; those of earlier ones have run already. */
    public static final String HELD_CURSORS = """
            (SELECT pg_catalog.string_agg(pg_catalog.concat(h.name, ' ', h.creation_time), ',') FROM pg_catalog.pg_cursor() AS h
                WHERE h.is_holdable AND h.creation_time OPERATOR(pg_catalog.>=) pg_catalog.now()) AS held""".replace('\n', ' ');

    /** Has the server take its statistics over as soon as the transaction has ended, so that the next begins with none. */
    private static final String FLUSHED = ", pg_catalog.pg_stat_force_next_flush()::pg_catalog.text AS flushed";

    private static final int FIRST_THAT_FLUSHES = 15;

    public WrittenRows {
        byTable = Map.copyOf(byTable);
        inserted = Map.copyOf(inserted);
    }

    /** Whether the server can be told to begin the next transaction with no statistics of those before. */
    public static boolean flushes(Connection connection) throws SQLException {
        return connection.getMetaData().getDatabaseMajorVersion() >= FIRST_THAT_FLUSHES;
    }

    /**
     * The columns of a query that {@link #of} reads.
     *
     * @param flushing whether the server is told so
     */
    public static String columns(boolean flushing) {
        return columns(LOCKED, flushing);
    }

    private static String columns(String tables, boolean flushing) {
        return COUNTED.formatted(TrackCounts.SETTING, tables, DEFINITIONS + ",2613,2995") + ", " + DEFERRING + ", "
                + HELD_CURSORS + (flushing ? FLUSHED : "");
    }

    /**
     * Asks.
     *
     * @throws ImpactLimitException where the server does not count
     */
    public static WrittenRows read(Connection connection) throws SQLException {
        return read(connection, LOCKED);
    }

    /**
     * The same of all tables, among them what the statistics hold besides.
     *
     * @throws ImpactLimitException where the server does not count
     */
    public static WrittenRows readAll(Connection connection) throws SQLException {
        return read(connection, EVERY);
    }

    private static WrittenRows read(Connection connection, String tables) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement("SELECT " + columns(tables, flushes(connection)));
                ResultSet row = select.executeQuery()) {
            row.next();
            return of(row);
        }
    }

    /**
     * What a row with these columns tells.
     *
     * @throws ImpactLimitException where the server does not count
     */
    public static WrittenRows of(ResultSet row) throws SQLException {
        String written = row.getString("written");
        if (written == null) {
            throw uncounted();
        }
        String[] parts = written.split(",", -1);
        Map<Long, Long> byTable = new HashMap<>();
        Map<Long, Long> inserted = new HashMap<>();
        for (int i = 1; i < parts.length; i++) {
            String[] numbers = parts[i].split(" ", -1);
            put(byTable, Long.parseLong(numbers[0]), Long.parseLong(numbers[1]));
            if (Long.parseLong(numbers[0]) >= CatalogSql.FIRST_USER_OID) {
                put(inserted, Long.parseLong(numbers[0]), Long.parseLong(numbers[2]));
            }
        }
        return new WrittenRows(
                byTable,
                inserted,
                Integer.parseInt(parts[0]),
                row.getBoolean("deferring"),
                row.getString("held") != null);
    }

    private static void put(Map<Long, Long> byTable, long table, long rows) {
        if (rows > 0) {
            byTable.put(table, rows);
        }
    }

    /** The names of the cursors WITH HOLD that the transaction has declared. */
    public static Set<String> heldCursors(Connection connection) throws SQLException {
        Set<String> names = new HashSet<>();
        try (PreparedStatement select =
                        connection.prepareStatement("SELECT h.name FROM pg_catalog.pg_cursor() AS h WHERE h.is_holdable"
                                + " AND h.creation_time OPERATOR(pg_catalog.>=) pg_catalog.now()");
                ResultSet rows = select.executeQuery()) {
            while (rows.next()) {
                names.add(rows.getString(1));
            }
        }
        return names;
    }

    /** The refusal where the server does not count. */
    public static ImpactLimitException uncounted() {
        return new ImpactLimitException(
                "how many rows the statement changes cannot be known while track_counts is off",
                "switch track_counts on, or impact_analysis_enabled off in the policy");
    }

    /** Whether a table holds what is the user's, and not definitions. */
    public static boolean holdsData(long table) {
        return table >= CatalogSql.FIRST_USER_OID || LARGE_OBJECTS.contains(table);
    }
}
