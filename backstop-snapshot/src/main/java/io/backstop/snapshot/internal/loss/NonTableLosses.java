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
 * What the session has destroyed so far in this transaction that is in no table's rows of its own: pages of large objects,
 * and attributes of composite types.
 *
 * @param largeObjects how many pages were changed or removed and how many objects removed, by the server's counters
 * @param droppedAttributes how many attributes each composite type has lost
 */
record NonTableLosses(long largeObjects, Map<Long, Long> droppedAttributes) {
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

    NonTableLosses {
        droppedAttributes = Map.copyOf(droppedAttributes);
    }

    static NonTableLosses now(CallerSession session) throws SQLException {
        Map<Long, Long> dropped = new HashMap<>();
        session.rows(DROPPED_ATTRIBUTES, row -> Map.entry(row.getLong(1), row.getLong(2)))
                .forEach(entry -> dropped.put(entry.getKey(), entry.getValue()));
        return new NonTableLosses(Long.parseLong(session.value(LARGE_OBJECTS)), dropped);
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
