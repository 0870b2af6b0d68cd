package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.policy.ImpactRules;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.written.WrittenRows;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What a transaction has changed by statements that were to change nothing. Stateless. */
final class Unaccounted {
    private static final Assessment NOTHING = Assessment.of(List.of());

    private Unaccounted() {}

    /**
     * Why it is too much; empty where the limits let it pass, as one row that an INSERT inserted and took back because of
     * another session's (ON CONFLICT DO NOTHING). Where it is not known what is accounted for, rows of statements that failed
     * may be among them, and only their number counts.
     *
     * @param more the rows by the oid of their table
     */
    static Optional<Excess> excess(GuardedSession session, ImpactRules rules, Map<Long, Long> more)
            throws SQLException {
        Optional<Long> definitions = more.keySet().stream()
                .filter(table -> !WrittenRows.holdsData(table))
                .findAny();
        if (definitions.isPresent()) {
            return Optional.of(Excess.uncounted("it changed definitions of the database"));
        }
        if (!session.ledger().isKnown()) {
            long total = more.values().stream().mapToLong(Long::longValue).sum();
            return total > rules.maxWriteRows()
                    ? Optional.of(Excess.counted("they may have changed " + total + " rows"))
                    : Optional.empty();
        }
        Connection connection = session.connection();
        Map<Long, RowCounts> rows = new HashMap<>();
        more.forEach((table, changed) -> rows.put(table, new RowCounts(0, changed, 0)));
        return new RowLimits(new TableSizes(connection), NOTHING, rules, Map.of())
                .passedBy(new ChangedRows(rows), TableStates.of(connection).tables(), new long[0])
                .map(Excess::counted);
    }
}
