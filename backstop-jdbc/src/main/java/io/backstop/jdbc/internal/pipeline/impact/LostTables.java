package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.MentionedNames;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.analysis.Target;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Finds what a statement took away without deleting rows, through code that cannot be seen: tables that were dropped,
 * emptied or rewritten, foreign tables that were dropped with their definitions, and columns. Each takes ACCESS EXCLUSIVE,
 * which the session holds until its transaction ends; so what others do meanwhile is told apart. Temporary tables do not
 * count. Where the catalog was not written to, nothing is asked afterwards.
 */
final class LostTables {
    /** What the session holds ACCESS EXCLUSIVE on, dropped or not, and which columns of it were dropped, whenever. */
    private static final String LOCKED = """
            SELECT l.relation, a.attnum, a.xmin, c.relname
            FROM pg_catalog.pg_locks AS l
            LEFT JOIN (pg_catalog.pg_class AS c JOIN pg_catalog.pg_attribute AS a
                ON a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attisdropped)
            ON c.oid OPERATOR(pg_catalog.=) l.relation AND c.relpersistence OPERATOR(pg_catalog.<>) 't'
                AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,c}'::pg_catalog."char"[])
            WHERE l.locktype OPERATOR(pg_catalog.=) 'relation' AND l.granted
            AND l.mode OPERATOR(pg_catalog.=) 'AccessExclusiveLock'
            AND l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
            AND l.database OPERATOR(pg_catalog.=) (SELECT d.oid FROM pg_catalog.pg_database AS d
                WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())""";

    /** Their code runs beside a command of the text, before it or after it. */
    private static final String EVENT_TRIGGERS =
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_event_trigger" + " WHERE evtenabled OPERATOR(pg_catalog.<>) 'D')";

    private static final Set<CommandTag> MOVING_ROWS = Set.of(CommandTag.CLUSTER, CommandTag.REPACK);

    private final TableStates before;
    private final Set<Column> droppedBefore;
    private final Set<Long> rewritable;

    private LostTables(TableStates before, Set<Column> droppedBefore, Set<Long> rewritable) {
        this.before = before;
        this.droppedBefore = droppedBefore;
        this.rewritable = rewritable;
    }

    /**
     * To be asked before the statement.
     *
     * @param assessment what its text says; a rewrite that its only ALTER TABLE or CLUSTER asks for is no loss
     */
    static LostTables since(Connection connection, Assessment assessment, TableStates before) throws SQLException {
        return new LostTables(
                before,
                before.relationWrites() == 0
                        ? Set.of()
                        : Locked.of(connection).dropped().keySet(),
                rewritable(connection, assessment, before));
    }

    /** What the statement took away, in words of which it is the subject. */
    Optional<String> find(Connection connection, TableStates now) throws SQLException {
        if (now.relationWrites() == before.relationWrites()) {
            return Optional.empty();
        }
        Locked locked = Locked.of(connection);
        for (long oid : locked.relations()) {
            TableStates.Table was = before.tables().get(oid);
            TableStates.Table is = now.tables().get(oid);
            if (was == null || was.kind() == TableStates.Kind.TEMPORARY) {
                continue;
            }
            if (is == null) {
                boolean foreign = was.kind() == TableStates.Kind.FOREIGN;
                return Optional.of("it dropped " + (foreign ? "foreign table " : "table ") + was.name());
            }
            if (was.file() != is.file() && !rewritable.contains(oid)) {
                return Optional.of("it emptied or rewrote table " + is.name());
            }
        }
        return locked.dropped().entrySet().stream()
                .filter(column -> column.getKey().droppedAfter(before) && !droppedBefore.contains(column.getKey()))
                .map(column -> "it dropped a column of " + column.getValue())
                .findFirst();
    }

    /**
     * The table that may get another file because the text asks for it. Code of the user's that runs inside of the statement
     * finds that table in use (CheckTableNotInUse in PostgreSQL's src/backend/commands/tablecmds.c), so the rewrite is the
     * statement's own. A partition, a child or code beside the statement, as that of an event trigger, offers no such proof.
     */
    private static Set<Long> rewritable(Connection connection, Assessment assessment, TableStates before)
            throws SQLException {
        if (assessment.statements().size() != 1) {
            return Set.of();
        }
        StatementAssessment only = assessment.statements().get(0);
        Set<Long> tables = new HashSet<>();
        if (only.tag() == CommandTag.ALTER_TABLE) {
            for (Target target : only.targets()) {
                tables.addAll(ChangedRows.tree(connection, target.name().quoted()));
            }
        } else if (MOVING_ROWS.contains(only.tag())) {
            tables.addAll(mentioned(only.mentions(), before));
        }
        return tables.size() == 1 && !hasEventTriggers(connection) ? tables : Set.of();
    }

    private static boolean hasEventTriggers(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(EVENT_TRIGGERS)) {
            row.next();
            return row.getBoolean(1);
        }
    }

    private static Set<Long> mentioned(MentionedNames names, TableStates before) {
        Set<String> all = new HashSet<>();
        for (int i = 0; i < names.size(); i++) {
            all.add(names.name(i));
        }
        return before.tables().entrySet().stream()
                .filter(table -> all.contains(table.getValue().name()))
                .map(Map.Entry::getKey)
                .collect(Collectors.toSet());
    }

    /**
     * A dropped column.
     *
     * @param droppedBy the number of the transaction that dropped it
     */
    private record Column(long table, int number, int droppedBy) {
        /** The difference says which is newer, as the numbers go in a circle. */
        boolean droppedAfter(TableStates look) {
            return droppedBy - look.nextTransaction() >= 0;
        }
    }

    /** Relations under the session's ACCESS EXCLUSIVE, and their dropped columns with the relation's name. */
    private record Locked(Set<Long> relations, Map<Column, String> dropped) {
        static Locked of(Connection connection) throws SQLException {
            Set<Long> relations = new HashSet<>();
            Map<Column, String> dropped = new HashMap<>();
            try (Statement statement = connection.createStatement();
                    ResultSet rows = statement.executeQuery(LOCKED)) {
                while (rows.next()) {
                    long relation = rows.getLong(1);
                    relations.add(relation);
                    String droppedBy = rows.getString(3);
                    if (droppedBy != null) {
                        dropped.put(
                                new Column(relation, rows.getInt(2), (int) Long.parseLong(droppedBy)),
                                rows.getString(4));
                    }
                }
            }
            return new Locked(relations, dropped);
        }
    }
}
