package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.analysis.Target;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Counts the rows of foreign tables, of which the server keeps no statistics, by what it answers to the statement. That is
 * possible where a single UPDATE or DELETE names the foreign table or its partitioned table, and nothing fires. Belongs to one
 * connection; not thread-safe.
 */
record ForeignWrites(Connection connection, Assessment assessment, CodeOnWrite.Facts code) {
    /** The foreign tables that the statement has written to and whose rows cannot be counted, by the name of one of them. */
    Optional<String> uncounted(TableStates before, TableStates now, OptionalRows answered) throws SQLException {
        Set<Long> written = writtenTo(before, now);
        if (written.isEmpty()) {
            return Optional.empty();
        }
        Set<Long> countable = answered.known() ? named(destroyed()) : new HashSet<>();
        countable.addAll(named(inserted()));
        for (long oid : written) {
            TableStates.@Nullable Table table = now.tables().get(oid);
            if (table != null && (!countable.contains(oid) || code.hasTrigger(table.name()))) {
                return Optional.of(
                        "it wrote to foreign table " + table.name() + ", whose rows the server does not count");
            }
        }
        return Optional.empty();
    }

    /** The changed rows with those of foreign tables; an upper bound where the answer tells them apart from no others. */
    ChangedRows added(ChangedRows changed, TableStates before, TableStates now, OptionalRows answered)
            throws SQLException {
        Set<Long> written = writtenTo(before, now);
        written.retainAll(named(destroyed()));
        if (written.isEmpty() || answered.rows() == 0) {
            return changed;
        }
        boolean deletes = assessment.destructions().get(0).kind() == Destruction.Kind.DELETE;
        return changed.and(
                written.iterator().next(),
                deletes ? new RowCounts(0, 0, answered.rows()) : new RowCounts(0, answered.rows(), 0));
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

    private Set<Long> named(Iterable<RelationName> names) throws SQLException {
        Set<Long> oids = new HashSet<>();
        for (RelationName name : names) {
            oids.addAll(ChangedRows.tree(connection, name.quoted()));
        }
        return oids;
    }

    private Iterable<RelationName> destroyed() {
        return assessment.destructions().stream()
                .flatMap(destruction -> destruction.relations().stream())
                .toList();
    }

    /** What is the target of nothing but INSERT. */
    private Iterable<RelationName> inserted() {
        return assessment.statements().stream()
                .filter(statement -> statement.tag() == CommandTag.INSERT
                        && statement.inner().isEmpty()
                        && statement.destructions().isEmpty())
                .flatMap(statement -> statement.targets().stream())
                .map(Target::name)
                .toList();
    }

    /** How many rows the server has answered; not known where it answered with rows, or for several statements at once. */
    static <T extends @Nullable Object> OptionalRows answered(Assessment assessment, Execution<T> execution, T result)
            throws SQLException {
        if (assessment.destructions().size() != 1
                || assessment.destructions().get(0).relations().size() != 1
                || !assessment.statements().stream().allMatch(ForeignWrites::isPlain)) {
            return OptionalRows.UNKNOWN;
        }
        long[] batch = execution.batchCounts(result);
        if (batch.length > 0) {
            return Arrays.stream(batch).allMatch(count -> count >= 0)
                    ? new OptionalRows(true, Arrays.stream(batch).sum())
                    : OptionalRows.UNKNOWN;
        }
        long rows = assessment.statements().size() == 1 ? execution.statement().getLargeUpdateCount() : -1;
        return rows < 0 ? OptionalRows.UNKNOWN : new OptionalRows(true, rows);
    }

    private static boolean isPlain(StatementAssessment statement) {
        return statement.inner().isEmpty()
                && (statement.tag() == CommandTag.UPDATE || statement.tag() == CommandTag.DELETE);
    }

    /** A number of rows, if it is known. */
    record OptionalRows(boolean known, long rows) {
        static final OptionalRows UNKNOWN = new OptionalRows(false, 0);
    }
}
