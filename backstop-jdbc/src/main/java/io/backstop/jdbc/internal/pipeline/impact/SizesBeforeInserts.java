package io.backstop.jdbc.internal.pipeline.impact;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.control.WriteBudgets;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.policy.ImpactRules;
import io.backstop.api.policy.WriteBudget;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogSql;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.ReadAt;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.written.WriteLedger;
import io.backstop.jdbc.internal.pipeline.written.WrittenRows;
import org.jspecify.annotations.Nullable;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Has the size of a table remembered as it was before an agent inserted into it or attached a partition, so that these rows do
 * not stretch the agent's budget: once in a quarter of the budget's window. By what the transaction has written, before that is
 * kept, whatever the table is called; where nobody looks at that, by the names of the text, before it runs. A text of several
 * statements may give a name another meaning itself, so every table that it names in any schema is meant. Thread-safe.
 */
final class SizesBeforeInserts {
    private static final int LOOKS_WITHIN_WINDOW = 4;
    private static final int TABLES = 10_000;

    /** Tables of one name, in as many schemas. */
    private static final int MOST_ALIKE = 200;

    /** Tables that a text may mean, or the partitioned table on top of them. */
    private static final String NAMED = """
            SELECT DISTINCT coalesce(pg_catalog.pg_partition_root(c.oid)::pg_catalog.oid, c.oid)
            FROM pg_catalog.pg_class AS c WHERE (c.relname OPERATOR(pg_catalog.=) ANY (?::pg_catalog.name[])
                OR c.oid OPERATOR(pg_catalog.=) ANY (ARRAY(
                    SELECT pg_catalog.to_regclass(t.name)::pg_catalog.oid FROM pg_catalog.unnest(?::pg_catalog.text[]) AS t (name))))
            AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}'::pg_catalog."char"[])
            AND c.relpersistence OPERATOR(pg_catalog.<>) 't' AND c.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
            LIMIT\s""" + (MOST_ALIKE + 1);

    /** Tables with the one on top of them. What an older snapshot does not see yet is none of the transaction's own. */
    private static final String ROOTS = """
            SELECT t.id, coalesce(pg_catalog.pg_partition_root(t.id::pg_catalog.regclass)::pg_catalog.oid, t.id)
            FROM pg_catalog.unnest(?::pg_catalog.oid[]) AS t (id)
            LEFT JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) t.id
            WHERE c.relpersistence IS NULL OR c.relpersistence OPERATOR(pg_catalog.<>) 't'""";

    /** The partitioned tables of which the transaction has locked a part as one who defines something does. */
    private static final String REDEFINED_ROOTS = """
            SELECT DISTINCT pg_catalog.pg_partition_root(l.relation::pg_catalog.regclass)::pg_catalog.oid
            FROM pg_catalog.pg_locks AS l
            WHERE l.locktype OPERATOR(pg_catalog.=) 'relation' AND l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
            AND NOT l.mode OPERATOR(pg_catalog.=) ANY ('{AccessShareLock,RowShareLock,RowExclusiveLock}'::pg_catalog.text[])
            AND pg_catalog.pg_partition_root(l.relation::pg_catalog.regclass) IS NOT NULL""";

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

    /** After a statement whose rows were counted, before it is kept. */
    void remember(GuardedSession session, Assessment assessment, Count.Result counted, ImpactRules rules)
            throws SQLException {
        Optional<WriteBudget> budget = withShare(rules);
        if (budget.isPresent()) {
            Map<Long, RowCounts> grown = counted.changed().grown(counted.tables());
            grown.keySet().removeIf(oid -> isTemporary(counted.tables().get(oid)));
            measure(session, grown, budget.get());
            rememberRedefined(session, assessment, budget.get());
        }
    }

    private static boolean isTemporary(TableStates.@Nullable Table table) {
        return table != null && table.kind() == TableStates.Kind.TEMPORARY;
    }

    /** After statements that were to change no rows, before they are kept, by what nobody has accounted for yet. */
    void remember(GuardedSession session, Assessment assessment, WrittenRows written, ImpactRules rules)
            throws SQLException {
        Optional<WriteBudget> budget = withShare(rules);
        if (budget.isPresent()) {
            remember(session, assessment, session.ledger().unaccountedInserts(written), budget.get());
        }
    }

    private void remember(GuardedSession session, Assessment assessment, Map<Long, Long> inserted, WriteBudget budget)
            throws SQLException {
        inserted.keySet().removeIf(oid -> !isDue(session, oid, budget));
        measure(session, byRoot(session, inserted), budget);
        rememberRedefined(session, assessment, budget);
    }

    /**
     * The same for a statement whose rows nobody counts, where it runs in a transaction and leaves it open.
     *
     * @return how it is to be sent; empty where there is nothing to remember
     */
    <T extends @Nullable Object> Optional<Execution<T>> measuring(
            GuardedSession session, Assessment assessment, ImpactRules rules, Execution<T> execution) {
        Optional<WriteBudget> budget = withShare(rules);
        if (budget.isEmpty() || !(CodeOnWrite.inserts(assessment) || attaches(assessment))) {
            return Optional.empty();
        }
        return Optional.of(execution.sentBy(() -> {
            if (session.outsideTransaction() || session.inFailedTransaction()) {
                return execution.run();
            }
            WrittenRows before = WrittenRows.readAll(session.connection());
            T result = execution.run();
            if (session.inTransaction()) {
                WrittenRows written = WrittenRows.read(session.connection());
                remember(session, assessment, WriteLedger.insertsSince(before, written), budget.get());
            }
            return result;
        }));
    }

    private static Optional<WriteBudget> withShare(ImpactRules rules) {
        return rules.budget().filter(each -> each.percent() < 100);
    }

    private static Map<Long, RowCounts> byRoot(GuardedSession session, Map<Long, Long> inserted) throws SQLException {
        Map<Long, RowCounts> grown = new HashMap<>();
        if (inserted.isEmpty()) {
            return grown;
        }
        try (PreparedStatement select = session.connection().prepareStatement(ROOTS)) {
            select.setString(1, CatalogSql.array(inserted.keySet()));
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    RowCounts rows = new RowCounts(inserted.getOrDefault(row.getLong(1), 0L), 0, 0);
                    grown.merge(row.getLong(2), rows, RowCounts::plus);
                }
            }
        }
        return grown;
    }

    /** A partitioned table that got rows with a partition, and of which nobody knows what it had before, has none to share. */
    private void rememberRedefined(GuardedSession session, Assessment assessment, WriteBudget budget)
            throws SQLException {
        if (!attaches(assessment)) {
            return;
        }
        try (PreparedStatement select = session.connection().prepareStatement(REDEFINED_ROOTS);
                ResultSet row = select.executeQuery()) {
            while (row.next()) {
                if (isDue(session, row.getLong(1), budget)) {
                    remember(session, row.getLong(1), 0, budget);
                }
            }
        }
    }

    /**
     * Before a text runs whose rows nobody looks at when it has run, or which adds rows that no counter shows.
     *
     * @throws ImpactLimitException where the tables are too many to look at
     */
    void look(GuardedSession session, Assessment assessment, ImpactRules rules) throws SQLException {
        Optional<WriteBudget> budget = withShare(rules);
        if (budget.isPresent() && !session.inFailedTransaction()) {
            Map<Long, RowCounts> named = new HashMap<>();
            named(session, assessment).forEach(oid -> named.put(oid, RowCounts.NONE));
            measure(session, named, budget.get());
        }
    }

    /**
     * Refuses what would be looked at by its names alone, in a transaction that sees the names of the catalog as they were.
     *
     * @throws ImpactLimitException with nothing run
     */
    static void requirePresentNames(GuardedSession session, ImpactRules rules) throws SQLException {
        if (withShare(rules).isPresent() && !session.inFailedTransaction() && session.seesCatalogAsItWas()) {
            throw new ImpactLimitException(
                    "the text inserts rows and ends its transaction, which sees the names of tables as they were when it"
                            + " began, so the tables into which it inserts cannot be known before it is kept; nothing was run",
                    "send the statements one at a time");
        }
    }

    private static Set<Long> named(GuardedSession session, Assessment assessment) throws SQLException {
        boolean alone = assessment.statements().size() == 1 && !LimitedExecution.holdsUnseenCode(assessment);
        Set<Long> oids = new LinkedHashSet<>();
        try (PreparedStatement select = session.connection().prepareStatement(NAMED)) {
            select.setString(1, CatalogSql.array(alone ? Set.of() : mentions(assessment)));
            select.setString(2, CatalogSql.array(alone ? targets(assessment) : Set.of()));
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

    private static Set<String> mentions(Assessment assessment) {
        Set<String> names = new HashSet<>();
        for (StatementAssessment statement : assessment.statements()) {
            for (int i = 0; i < statement.mentions().size(); i++) {
                names.add(statement.mentions().name(i));
            }
        }
        return names;
    }

    private static Set<String> targets(Assessment assessment) {
        return assessment.statements().stream()
                .flatMap(statement -> statement.targets().stream())
                .map(target -> target.name().quoted())
                .collect(Collectors.toSet());
    }

    /** Whether rows may come with a partition, which no counter shows. */
    static boolean attaches(Assessment assessment) {
        return assessment.statements().stream()
                .anyMatch(each ->
                        each.tag() == CommandTag.ALTER_TABLE && each.mentions().contains("attach"));
    }

    private boolean isDue(GuardedSession session, long oid, WriteBudget budget) {
        ReadAt last = looked.getIfPresent(new Table(session.database(), oid));
        return last == null || !last.isWithin(budget.window().dividedBy(LOOKS_WITHIN_WINDOW), clock);
    }

    private void measure(GuardedSession session, Map<Long, RowCounts> grown, WriteBudget budget) throws SQLException {
        for (Map.Entry<Long, RowCounts> table : grown.entrySet()) {
            if (isDue(session, table.getKey(), budget)) {
                RowCounts rows = table.getValue();
                Optional<Long> size = new TableSizes(session.connection())
                        .before(table.getKey(), BudgetCheck.enough(budget), rows.deleted(), rows.inserted());
                if (size.isPresent()) {
                    remember(session, table.getKey(), size.get(), budget);
                }
            }
        }
    }

    private void remember(GuardedSession session, long oid, long size, WriteBudget budget) throws SQLException {
        budgets.measured(session.agentId(), session.database(), oid, size, budget.window());
        measured(session, oid);
    }
}
