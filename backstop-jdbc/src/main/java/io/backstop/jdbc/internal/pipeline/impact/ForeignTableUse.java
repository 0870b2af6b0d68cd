package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.RelationName;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Finds by the locks of the transaction which foreign tables a statement has used, of which the server keeps no statistics:
 * where code reached one that nothing of its text names. Belongs to one connection; not thread-safe.
 */
record ForeignTableUse(Connection connection, Assessment assessment, CodeOnWrite.Facts code) {
    /** What the statement did there that nobody has counted, in words of which it is the subject. */
    Optional<String> uncounted(TableStates before, TableStates now) throws SQLException {
        for (long oid : writtenTo(before, now)) {
            TableStates.Table table = now.tables().get(oid);
            if (table != null) {
                return Optional.of(
                        "it wrote to foreign table " + table.name() + ", whose rows the server does not count");
            }
        }
        for (long oid : now.foreignReads()) {
            TableStates.Table table = now.tables().get(oid);
            if (table != null
                    && !before.foreignReads().contains(oid)
                    && code.elsewhere().called().containsKey(table.name())) {
                return Optional.of("it read foreign table " + table.name() + ", on whose other side anything may run");
            }
        }
        return Optional.empty();
    }

    /**
     * A lock from before says nothing about this statement; so what it names counts as written to, and where code of the
     * user's may run or something else than a table is named, a view perhaps, whatever is locked.
     */
    private Set<Long> writtenTo(TableStates before, TableStates now) throws SQLException {
        Set<Long> written = new HashSet<>(now.foreignWrites());
        if (!code.firesSomewhere() && !LimitedExecution.runsUnseenCode(assessment)) {
            Set<Long> earlier = new HashSet<>(before.foreignWrites());
            Optional<Set<Long>> named = earlier.isEmpty() ? Optional.empty() : namedTables(now);
            if (named.isPresent()) {
                earlier.removeAll(named.get());
                written.removeAll(earlier);
            }
        }
        return written;
    }

    /** What the statement names; empty where something of it is no table. */
    private Optional<Set<Long>> namedTables(TableStates now) throws SQLException {
        Set<Long> named = new HashSet<>();
        for (RelationName name : assessment.tables()) {
            Set<Long> oids = ChangedRows.tree(connection, name.quoted());
            if (oids.isEmpty() || !now.tables().keySet().containsAll(oids)) {
                return Optional.empty();
            }
            named.addAll(oids);
        }
        return Optional.of(named);
    }
}
