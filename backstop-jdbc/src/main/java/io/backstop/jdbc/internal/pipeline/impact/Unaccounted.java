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
     * Counts it. The limits may let it pass where an INSERT was among the statements, as one row that it inserted and took back
     * because of another session's (ON CONFLICT DO NOTHING); after what was judged SAFE they let nothing pass.
     *
     * @param more the rows by the oid of their table
     */
    static Count.Result count(GuardedSession session, ImpactRules rules, WrittenRows written, Map<Long, Long> more)
            throws SQLException {
        Connection connection = session.connection();
        TableStates states = TableStates.of(connection);
        Map<Long, RowCounts> rows = new HashMap<>();
        more.forEach((table, changed) -> rows.put(table, new RowCounts(0, changed, 0)));
        ChangedRows changed = new ChangedRows(rows);
        Optional<Excess> excess;
        if (!session.ledger().mayWrite()) {
            excess = Optional.of(Excess.uncounted("they were judged SAFE, and rows were changed"));
        } else if (!more.keySet().stream().allMatch(WrittenRows::holdsData)) {
            excess = Optional.of(Excess.uncounted("it changed definitions of the database"));
        } else {
            excess = new RowLimits(new TableSizes(connection), NOTHING, rules, Map.of())
                    .passedBy(changed, states.tables(), new long[0])
                    .map(Excess::counted);
        }
        return new Count.Result(changed, states.tables(), states.transaction(), written, excess);
    }
}
