package io.backstop.jdbc.internal.pipeline.impact;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.analysis.Target;
import io.backstop.api.control.WriteBudgets;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.policy.ImpactRules;
import io.backstop.api.policy.WriteBudget;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogSql;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.ReadAt;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Has the size of a table remembered before an agent inserts into it or attaches a partition, so that these rows do not stretch
 * the agent's budget: once in a quarter of the budget's window; and after the count where a view, a rule or code inserted into
 * it. A name is looked up in the session for each statement, for what came before may have given it another meaning; so may a
 * text of several statements itself, of which every table that it names in any schema is meant. Thread-safe.
 */
final class SizesBeforeInserts {
    private static final int LOOKS_WITHIN_WINDOW = 4;
    private static final int TABLES = 10_000;
    private static final long NONE = 0;

    /** Tables of one name, in as many schemas. */
    private static final int MOST_ALIKE = 200;

    /** The table, or the partitioned table on top of it. */
    private static final String TABLE = """
            SELECT coalesce(pg_catalog.pg_partition_root(c.oid)::pg_catalog.oid, c.oid)
            FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(?)
            AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}'::pg_catalog."char"[])
            AND c.relpersistence OPERATOR(pg_catalog.<>) 't'""";

    private static final String ALIKE = """
            SELECT DISTINCT coalesce(pg_catalog.pg_partition_root(c.oid)::pg_catalog.oid, c.oid)
            FROM pg_catalog.pg_class AS c WHERE c.relname OPERATOR(pg_catalog.=) ANY (?::pg_catalog.name[])
            AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}'::pg_catalog."char"[])
            AND c.relpersistence OPERATOR(pg_catalog.<>) 't' AND c.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
            LIMIT\s""" + (MOST_ALIKE + 1);

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

    private record Table(String database, long oid) {}

    /** To be told when the size of a table was measured for the budget. */
    void measured(GuardedSession session, long oid) {
        looked.put(new Table(session.database(), oid), ReadAt.now(clock));
    }

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
                if (isDue(session, grown.getKey(), budget.get())) {
                    measure(
                            session,
                            grown.getKey(),
                            budget.get(),
                            grown.getValue().deleted(),
                            grown.getValue().inserted());
                }
            }
        }
    }

    void look(GuardedSession session, Assessment assessment, WriteBudget budget) throws SQLException {
        if (budget.percent() == 100 || !adds(assessment) || session.inFailedTransaction()) {
            return;
        }
        boolean alone = assessment.statements().size() == 1 && !LimitedExecution.holdsUnseenCode(assessment);
        for (long oid : alone ? targets(session, assessment) : alike(session, assessment)) {
            if (isDue(session, oid, budget)) {
                measure(session, oid, budget, 0, 0);
            }
        }
    }

    private static Set<Long> targets(GuardedSession session, Assessment assessment) throws SQLException {
        Set<Long> oids = new LinkedHashSet<>();
        for (StatementAssessment statement : assessment.statements()) {
            for (Target target : statement.targets()) {
                oids.add(resolved(session, target.name()));
            }
        }
        oids.remove(NONE);
        return oids;
    }

    private static long resolved(GuardedSession session, RelationName name) throws SQLException {
        try (PreparedStatement select = session.connection().prepareStatement(TABLE)) {
            select.setString(1, name.quoted());
            try (ResultSet row = select.executeQuery()) {
                return row.next() ? row.getLong(1) : NONE;
            }
        }
    }

    /** @throws ImpactLimitException where they are too many to look at */
    private static Set<Long> alike(GuardedSession session, Assessment assessment) throws SQLException {
        Set<String> names = new HashSet<>();
        for (StatementAssessment statement : assessment.statements()) {
            for (int i = 0; i < statement.mentions().size(); i++) {
                names.add(statement.mentions().name(i));
            }
        }
        Set<Long> oids = new LinkedHashSet<>();
        try (PreparedStatement select = session.connection().prepareStatement(ALIKE)) {
            select.setString(1, CatalogSql.array(names));
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    oids.add(row.getLong(1));
                }
            }
        }
        if (oids.size() > MOST_ALIKE) {
            throw new ImpactLimitException(
                    "the text holds several statements, inserts rows, and names more than " + MOST_ALIKE
                            + " tables of all schemas, the size of each of which would have to be known before;"
                            + " nothing was run",
                    "send the statements one at a time");
        }
        return oids;
    }

    private static boolean adds(Assessment assessment) {
        return CodeOnWrite.inserts(assessment)
                || assessment.statements().stream()
                        .anyMatch(each -> each.tag() == CommandTag.ALTER_TABLE
                                && each.mentions().contains("attach"));
    }

    private boolean isDue(GuardedSession session, long oid, WriteBudget budget) {
        ReadAt last = looked.getIfPresent(new Table(session.database(), oid));
        return last == null || !last.isWithin(budget.window().dividedBy(LOOKS_WITHIN_WINDOW), clock);
    }

    private void measure(GuardedSession session, long oid, WriteBudget budget, long gone, long added)
            throws SQLException {
        Optional<Long> size = new TableSizes(session.connection()).before(oid, BudgetCheck.enough(budget), gone, added);
        if (size.isPresent()) {
            budgets.measured(session.agentId(), session.database(), oid, size.get(), budget.window());
            measured(session, oid);
        }
    }
}
