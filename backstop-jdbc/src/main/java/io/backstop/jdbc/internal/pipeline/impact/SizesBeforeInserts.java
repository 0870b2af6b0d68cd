package io.backstop.jdbc.internal.pipeline.impact;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.analysis.Target;
import io.backstop.api.control.WriteBudgets;
import io.backstop.api.policy.ImpactRules;
import io.backstop.api.policy.WriteBudget;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.ReadAt;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Has the size of a table remembered before an agent inserts into it or attaches a partition, so that these rows do not stretch
 * the agent's budget: once in a quarter of the budget's window; and after the count where a view, a rule or code inserted into it. Thread-safe.
 */
final class SizesBeforeInserts {
    private static final int LOOKS_WITHIN_WINDOW = 4;
    private static final int TABLES = 10_000;

    /** The table, or the partitioned table on top of it. */
    private static final String TABLE = """
            SELECT coalesce(pg_catalog.pg_partition_root(c.oid)::pg_catalog.oid, c.oid)
            FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(?)
            AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}'::pg_catalog."char"[])
            AND c.relpersistence OPERATOR(pg_catalog.<>) 't'""";

    private final WriteBudgets budgets;
    private final Clock clock;

    /** When a table was looked at. */
    private final Cache<Table, ReadAt> looked = Caffeine.newBuilder()
            .maximumSize(TABLES)
            .expireAfterAccess(1, TimeUnit.DAYS)
            .build();

    SizesBeforeInserts(WriteBudgets budgets, Clock clock) {
        this.budgets = budgets;
        this.clock = clock;
    }

    /** A table by its name in a text. */
    private record Table(String database, RelationName name) {}

    /** Has the sizes remembered of the tables into which a statement inserted, whatever its text names. */
    void remember(GuardedSession session, Count.Result counted, ImpactRules rules) throws SQLException {
        Optional<WriteBudget> budget = rules.budget().filter(each -> each.percent() < 100);
        if (budget.isEmpty()) {
            return;
        }
        for (Map.Entry<Long, RowCounts> grown :
                counted.changed().grown(counted.tables()).entrySet()) {
            TableStates.Table table = counted.tables().get(grown.getKey());
            if (table != null && table.kind() != TableStates.Kind.TEMPORARY) {
                Table key = new Table(session.database(), table.qualified());
                if (isDue(key, budget.get())) {
                    measure(
                            session,
                            grown.getKey(),
                            budget.get(),
                            grown.getValue().deleted(),
                            grown.getValue().inserted());
                    looked.put(key, ReadAt.now(clock));
                }
            }
        }
    }

    void look(GuardedSession session, Assessment assessment, WriteBudget budget) throws SQLException {
        if (budget.percent() == 100 || !adds(assessment) || session.inFailedTransaction()) {
            return;
        }
        for (StatementAssessment statement : assessment.statements()) {
            for (Target target : statement.targets()) {
                Table table = new Table(session.database(), target.name());
                if (isDue(table, budget)) {
                    measure(session, target.name(), budget);
                    looked.put(table, ReadAt.now(clock));
                }
            }
        }
    }

    private static boolean adds(Assessment assessment) {
        return CodeOnWrite.inserts(assessment)
                || assessment.statements().stream()
                        .anyMatch(each -> each.tag() == CommandTag.ALTER_TABLE
                                && each.mentions().contains("attach"));
    }

    private boolean isDue(Table table, WriteBudget budget) {
        ReadAt last = looked.getIfPresent(table);
        return last == null || !last.isWithin(budget.window().dividedBy(LOOKS_WITHIN_WINDOW), clock);
    }

    private void measure(GuardedSession session, RelationName name, WriteBudget budget) throws SQLException {
        Connection connection = session.connection();
        long oid;
        try (PreparedStatement select = connection.prepareStatement(TABLE)) {
            select.setString(1, name.quoted());
            try (ResultSet row = select.executeQuery()) {
                if (!row.next()) {
                    return;
                }
                oid = row.getLong(1);
            }
        }
        measure(session, oid, budget, 0, 0);
    }

    private void measure(GuardedSession session, long oid, WriteBudget budget, long gone, long added)
            throws SQLException {
        Optional<Long> size = new TableSizes(session.connection()).before(oid, BudgetCheck.enough(budget), gone, added);
        if (size.isPresent()) {
            budgets.measured(session.agentId(), session.database(), oid, size.get(), budget.window());
        }
    }
}
