package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.internal.postgres.TrackCounts;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogSql;
import io.backstop.jdbc.internal.pipeline.written.WrittenRows;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What a session has done to the user's tables at one moment of its transaction, in one query: rows by the server's
 * statistics of the transaction, the file of each table, and which foreign tables it has read or written to. Every name in
 * the query is qualified, because an operator may mean anything on the session's search path. Immutable.
 *
 * @param rows the rows by the table's oid, large objects included
 * @param tables the tables that there are, by oid
 * @param foreignWrites the foreign tables that the transaction holds a lock on of a writer, or of TRUNCATE: their rows are
 *     not counted
 * @param foreignReads those that it holds a reader's lock on
 * @param catalogs the rows of the system catalog by the oid of its table, whatever changed them: definitions are rows, too
 * @param nextTransaction no transaction with a lower number begins any more; 32 bits, as a row's {@code xmin} has
 * @param countersSetBy where the setting of the counters comes from; empty where the role may not change it
 * @param transaction the number of the transaction, once it has written something
 * @param process the server process that answered
 * @param deferring whether code of the user's may wait for the commit
 * @param heldCursors the cursors WITH HOLD that the transaction has declared; empty where it has none
 */
record TableStates(
        Map<Long, RowCounts> rows,
        Map<Long, Table> tables,
        Set<Long> foreignWrites,
        Set<Long> foreignReads,
        Map<Long, RowCounts> catalogs,
        int nextTransaction,
        Optional<String> countersSetBy,
        Optional<String> transaction,
        int process,
        boolean deferring,
        Optional<String> heldCursors) {
    /** pg_class, pg_attribute and pg_enum: their oids are the same in every version. */
    private static final Set<Long> OF_RELATIONS = Set.of(1259L, 1249L, 3501L);

    /** pg_largeobject_metadata; the pages of 2 kB are rows of pg_largeobject, 2613. A change of owner takes nothing away. */
    private static final long LARGE_OBJECTS = 2995;

    private static final long PAGES_OF_LARGE_OBJECTS = 2613;

    private static final String SET_IN_SESSION = "session";

    private static final String LOOK = """
            SELECT c.oid, SCHEMA AS nspname, RELATION AS relname,
                CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'f' THEN 'FOREIGN'
                    WHEN c.relpersistence OPERATOR(pg_catalog.=) 't' THEN 'TEMPORARY' ELSE 'STORED' END AS kind,
                coalesce(pg_catalog.pg_relation_filenode(c.oid), 0) AS file,
                CASE WHEN c.relispartition THEN coalesce(pg_catalog.pg_partition_root(c.oid)::pg_catalog.oid, c.oid)
                    ELSE c.oid END AS root,
                coalesce(pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid), 0) AS inserted,
                coalesce(pg_catalog.pg_stat_get_xact_tuples_updated(c.oid), 0) AS updated,
                coalesce(pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid), 0) AS deleted,
                CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'f' THEN c.oid OPERATOR(pg_catalog.=) ANY (ARRAY(
                    SELECT l.relation FROM pg_catalog.pg_locks AS l
                    WHERE l.locktype OPERATOR(pg_catalog.=) 'relation' AND l.granted
                    AND l.mode OPERATOR(pg_catalog.=) ANY ('{RowExclusiveLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}')
                    AND l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid())) ELSE false END AS locked,
                CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'f' THEN c.oid OPERATOR(pg_catalog.=) ANY (ARRAY(
                    SELECT l.relation FROM pg_catalog.pg_locks AS l
                    WHERE l.locktype OPERATOR(pg_catalog.=) 'relation' AND l.granted
                    AND l.mode OPERATOR(pg_catalog.=) ANY ('{AccessShareLock,RowShareLock}')
                    AND l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid())) ELSE false END AS read,
                (SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())) AS next,
                (SELECT pg_catalog.pg_current_xact_id_if_assigned()) AS current,
                (SELECT %s) AS counting,
                (SELECT pg_catalog.pg_backend_pid()) AS process, %s,
                (SELECT CASE WHEN pg_catalog.current_setting('is_superuser') OPERATOR(pg_catalog.=) 'on' %s
                    THEN (SELECT s.source FROM pg_catalog.pg_settings AS s
                        WHERE s.name OPERATOR(pg_catalog.=) 'track_counts') END) AS source
            FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
            WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,f}'::pg_catalog."char"[])
            AND (c.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
                OR c.oid OPERATOR(pg_catalog.=) '1259'::pg_catalog.oid
                OR pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) OPERATOR(pg_catalog.>) '0'::pg_catalog.int8
                OR pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) OPERATOR(pg_catalog.>) '0'::pg_catalog.int8
                OR pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) OPERATOR(pg_catalog.>) '0'::pg_catalog.int8)""";

    /** Since 15 the right to change a setting can be granted. */
    private static final String MAY_BE_GRANTED =
            "OR pg_catalog.has_parameter_privilege(current_user, 'track_counts', 'SET')";

    /** Has the server take its statistics over when the transaction has ended; since 15, too. */
    private static final String FLUSHED =
            ", (SELECT pg_catalog.pg_stat_force_next_flush()::pg_catalog.text) AS flushed";

    private static final String WAITING = WrittenRows.DEFERRING + ", " + WrittenRows.HELD_CURSORS;

    private static final String STATES = named(LOOK.formatted(TrackCounts.SETTING, WAITING, ""));
    private static final String STATES_WITH_GRANTS =
            named(LOOK.formatted(TrackCounts.SETTING, WAITING + FLUSHED, MAY_BE_GRANTED));

    private static String named(String look) {
        return look.replace("SCHEMA AS", CatalogSql.legibleName("n.nspname") + " AS")
                .replace("RELATION AS", CatalogSql.legibleName("c.relname") + " AS");
    }

    TableStates {
        rows = Map.copyOf(rows);
        tables = Map.copyOf(tables);
        foreignWrites = Set.copyOf(foreignWrites);
        foreignReads = Set.copyOf(foreignReads);
        catalogs = Map.copyOf(catalogs);
    }

    /** By a text that is always the same, so that the driver has the server plan it only a few times for each connection. */
    static TableStates of(Connection connection) throws SQLException {
        boolean grantable = connection.getMetaData().getDatabaseMajorVersion() >= 15;
        try (PreparedStatement select = connection.prepareStatement(grantable ? STATES_WITH_GRANTS : STATES);
                ResultSet row = select.executeQuery()) {
            return read(row);
        }
    }

    private static TableStates read(ResultSet row) throws SQLException {
        Map<Long, RowCounts> rows = new HashMap<>();
        Map<Long, Table> tables = new HashMap<>();
        Set<Long> foreignWrites = new HashSet<>();
        Set<Long> foreignReads = new HashSet<>();
        Map<Long, RowCounts> catalogs = new HashMap<>();
        int nextTransaction = 0;
        int process = 0;
        boolean deferring = false;
        Optional<String> heldCursors = Optional.empty();
        Optional<String> source = Optional.empty();
        Optional<String> transaction = Optional.empty();
        while (row.next()) {
            requireCounts(row.getString("counting"));
            source = Optional.ofNullable(row.getString("source"));
            transaction = Optional.ofNullable(row.getString("current"));
            nextTransaction = (int) Long.parseLong(row.getString("next"));
            process = row.getInt("process");
            deferring = row.getBoolean("deferring");
            heldCursors = Optional.ofNullable(row.getString("held"));
            long oid = row.getLong("oid");
            RowCounts counts = new RowCounts(row.getLong("inserted"), row.getLong("updated"), row.getLong("deleted"));
            if (oid < CatalogSql.FIRST_USER_OID) {
                catalogs.put(oid, counts);
            }
            if (!counts.isEmpty() && (oid >= CatalogSql.FIRST_USER_OID || oid == PAGES_OF_LARGE_OBJECTS)) {
                rows.put(oid, counts);
            } else if (oid == LARGE_OBJECTS && counts.deleted() > 0) {
                rows.put(oid, new RowCounts(0, 0, counts.deleted()));
            }
            if (row.getBoolean("locked")) {
                foreignWrites.add(oid);
            }
            if (row.getBoolean("read")) {
                foreignReads.add(oid);
            }
            if (oid >= CatalogSql.FIRST_USER_OID) {
                tables.put(
                        oid,
                        new Table(
                                RelationName.of(row.getString("nspname"), row.getString("relname")),
                                Kind.valueOf(row.getString("kind")),
                                row.getLong("file"),
                                row.getLong("root")));
            }
        }
        return new TableStates(
                rows,
                tables,
                foreignWrites,
                foreignReads,
                catalogs,
                nextTransaction,
                source,
                transaction,
                process,
                deferring,
                heldCursors);
    }

    private static void requireCounts(String trackCounts) throws ImpactLimitException {
        if (!"on".equals(trackCounts)) {
            throw WrittenRows.uncounted();
        }
    }

    /**
     * Refuses to count in a session that has set the counters itself: whether they were off meanwhile could not be told.
     *
     * @throws ImpactLimitException with nothing run
     */
    void requireUntouchedCounters() throws ImpactLimitException {
        if (countersSetBy.filter(SET_IN_SESSION::equals).isPresent()) {
            throw new ImpactLimitException(
                    "how many rows the statement changes cannot be known where the session has set track_counts",
                    "send RESET track_counts first, or switch impact_analysis_enabled off in the policy");
        }
    }

    /** All rows that were changed or inserted. */
    WrittenRows written() {
        Map<Long, Long> changed = new HashMap<>();
        Map<Long, Long> inserted = new HashMap<>();
        rows.forEach((table, counts) -> {
            changed.put(table, counts.changed());
            inserted.put(table, counts.inserted());
        });
        catalogs.forEach((table, counts) -> changed.put(table, counts.changed()));
        return new WrittenRows(changed, inserted, process, deferring, heldCursors.isPresent());
    }

    /** How often the transaction changed relations, columns or labels; while it is the same, none was dropped or got another file. */
    long relationWrites() {
        return OF_RELATIONS.stream()
                .mapToLong(oid -> catalogs.getOrDefault(oid, RowCounts.NONE).changed())
                .sum();
    }

    /** The tables of the system catalog that have been written to since. */
    Set<Long> catalogsWrittenSince(TableStates before) {
        return catalogs.entrySet().stream()
                .filter(table -> !table.getValue()
                        .since(before.catalogs.getOrDefault(table.getKey(), RowCounts.NONE))
                        .isEmpty())
                .map(Map.Entry::getKey)
                .collect(Collectors.toSet());
    }

    /** Whether the transaction has declared a cursor WITH HOLD since. */
    boolean holdsCursorSince(TableStates before) {
        return heldCursors.isPresent() && !heldCursors.equals(before.heldCursors);
    }

    /** Whether the counters were set since: a setting says who set it, but not what it was in between. */
    boolean countersSetSince(TableStates before) {
        return !countersSetBy.equals(before.countersSetBy);
    }

    ChangedRows changedSince(TableStates before) {
        Map<Long, RowCounts> more = new HashMap<>();
        rows.forEach((table, counts) -> {
            RowCounts difference = counts.since(before.rows.getOrDefault(table, RowCounts.NONE));
            if (!difference.isEmpty()) {
                more.put(table, difference);
            }
        });
        return new ChangedRows(more);
    }

    /** Where a table's rows are. */
    enum Kind {
        STORED,
        TEMPORARY,
        /** On another server, or in a file. */
        FOREIGN
    }

    /**
     * A table.
     *
     * @param qualified its name with its schema
     * @param file the number of the file that holds its rows; 0 where it has none
     * @param root the oid of the partitioned table on top, or its own
     */
    record Table(RelationName qualified, Kind kind, long file, long root) {
        /** The name without the schema, for people. */
        String name() {
            return qualified.name();
        }
    }
}
