package io.backstop.snapshot.internal.loss;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.snapshot.internal.reach.StoredRowTypes;
import io.backstop.snapshot.internal.session.CallerSession;

import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the session may have destroyed so far in this transaction that is in no table's rows of its own: pages of large
 * objects, attributes of composite types, and rows of foreign tables.
 *
 * @param largeObjects how many pages were changed or removed and how many objects removed, by the server's counters
 * @param droppedAttributes how many attributes each composite type has lost
 * @param foreignWrites the foreign tables that the transaction holds a writer's lock on, by oid, with their names; the
 *     server does not count their rows
 */
record NonTableLosses(long largeObjects, Map<Long, Long> droppedAttributes, Map<Long, String> foreignWrites) {
    /** They count for system catalogs as well. A change of owner or grants updates the metadata, and takes nothing away. */
    private static final String LARGE_OBJECTS = """
            SELECT pg_catalog.pg_stat_get_xact_tuples_deleted('pg_catalog.pg_largeobject'::pg_catalog.regclass)
                 + pg_catalog.pg_stat_get_xact_tuples_updated('pg_catalog.pg_largeobject'::pg_catalog.regclass)
                 + pg_catalog.pg_stat_get_xact_tuples_deleted('pg_catalog.pg_largeobject_metadata'::pg_catalog.regclass)
            """;

    private static final String DROPPED_ATTRIBUTES = """
            SELECT a.attrelid, pg_catalog.count(*) FROM pg_catalog.pg_attribute a
            JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind = 'c'
            WHERE a.attisdropped GROUP BY a.attrelid
            """;

    private static final String FOREIGN_WRITES = """
            SELECT c.oid, c.oid::pg_catalog.regclass::pg_catalog.text FROM pg_catalog.pg_locks l
            JOIN pg_catalog.pg_class c ON c.oid = l.relation AND c.relkind = 'f'
            WHERE l.locktype = 'relation' AND l.granted AND l.mode = 'RowExclusiveLock'
              AND l.pid = pg_catalog.pg_backend_pid()
              AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
            """;

    NonTableLosses {
        droppedAttributes = Map.copyOf(droppedAttributes);
        foreignWrites = Map.copyOf(foreignWrites);
    }

    static NonTableLosses now(CallerSession session) throws SQLException {
        Map<Long, Long> dropped = new HashMap<>();
        session.rows(DROPPED_ATTRIBUTES, row -> Map.entry(row.getLong(1), row.getLong(2)))
                .forEach(entry -> dropped.put(entry.getKey(), entry.getValue()));
        Map<Long, String> foreign = new HashMap<>();
        session.rows(FOREIGN_WRITES, row -> Map.entry(row.getLong(1), row.getString(2)))
                .forEach(entry -> foreign.put(entry.getKey(), entry.getValue()));
        return new NonTableLosses(Long.parseLong(session.value(LARGE_OBJECTS)), dropped, foreign);
    }

    /** Fails where more is gone now than then. */
    void compare(CallerSession session) throws SQLException, RecoveryNotReadyException {
        NonTableLosses after = now(session);
        if (after.largeObjects > largeObjects) {
            throw new RecoveryNotReadyException(
                    "large objects were changed or removed by the statement, through a trigger, a rule or a function, "
                            + "and no snapshot brings them back",
                    "take a backup of the whole database and let somebody run it who may");
        }
        Optional<String> foreign = after.foreignWrites.entrySet().stream()
                .filter(table -> !foreignWrites.containsKey(table.getKey()))
                .map(Map.Entry::getValue)
                .findFirst();
        if (foreign.isPresent()) {
            throw new RecoveryNotReadyException(
                    "the statement wrote to foreign table " + foreign.get()
                            + " through a trigger, a rule or a function, and what it changed there cannot be told",
                    "run the statement there, behind a Backstop of its own");
        }
        List<Long> lessened = after.droppedAttributes.entrySet().stream()
                .filter(type -> type.getValue() > droppedAttributes.getOrDefault(type.getKey(), 0L))
                .map(Map.Entry::getKey)
                .toList();
        Optional<StoredRowTypes.Use> use = StoredRowTypes.first(session, lessened);
        if (use.isPresent()) {
            throw new RecoveryNotReadyException(
                    "type " + use.get().type() + " lost an attribute by the statement, and with it the rows of table "
                            + use.get().table() + " that hold values of it",
                    "change the column of table " + use.get().table() + " to a type of its own first");
        }
    }
}
