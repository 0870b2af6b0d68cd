package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.RuleId;
import io.backstop.api.control.WriteBudgets;
import io.backstop.api.control.WriteBudgets.TableRows;
import io.backstop.api.control.WriteBudgets.Usage;
import io.backstop.api.error.BackstopException;
import io.backstop.api.policy.WriteBudget;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Counts what a statement has changed against the budget of its agent, before it is kept; what goes beyond is taken back.
 * Stateless, thread-safe.
 */
final class BudgetCheck {
    static final RuleId WRITE_BUDGET = new RuleId("write-budget");

    private static final Logger LOG = LoggerFactory.getLogger(BudgetCheck.class);

    /** Stands for what is no table: large objects. */
    private static final long NO_TABLE = 0;

    private final WriteBudgets budgets;
    private final SizesBeforeInserts before;

    BudgetCheck(WriteBudgets budgets, SizesBeforeInserts before) {
        this.budgets = budgets;
        this.before = before;
    }

    /** Adds the rows, before their transaction commits: of two statements at the same time, both count. */
    Share take(
            GuardedSession session,
            Optional<WriteBudget> budget,
            ChangedRows changed,
            Map<Long, TableStates.Table> tables,
            TableSizes sizes)
            throws SQLException {
        List<ChangedRows.Loss> losses = changed.losses(tables);
        List<TableRows> rows = rows(changed, losses);
        if (budget.isEmpty() || rows.isEmpty()) {
            return Share.NONE;
        }
        Usage usage = budgets.add(
                session.agentId(), session.database(), rows, budget.get().window());
        Share share = new Share(Optional.of(usage.entry()), Optional.empty());
        try {
            return new Share(share.entry(), excess(session, budget.get(), usage, losses, sizes));
        } catch (SQLException | RuntimeException | Error e) {
            giveBack(share, e);
            throw e;
        }
    }

    private static List<TableRows> rows(ChangedRows changed, List<ChangedRows.Loss> losses) {
        List<TableRows> rows = new ArrayList<>();
        long inTables = 0;
        for (ChangedRows.Loss loss : losses) {
            inTables += loss.rows().changed();
            if (!loss.isTemporary()) {
                rows.add(new TableRows(
                        loss.oid(), loss.rows().changed(), loss.rows().deleted()));
            }
        }
        if (changed.total() > inTables) {
            rows.add(new TableRows(NO_TABLE, changed.total() - inTables, 0));
        }
        return rows;
    }

    private Optional<Excess> excess(
            GuardedSession session, WriteBudget budget, Usage usage, List<ChangedRows.Loss> losses, TableSizes sizes)
            throws SQLException {
        String within = " within " + budget.window().toSeconds() + " seconds";
        if (usage.rows() > budget.rows()) {
            return Optional.of(beyond("with it, agent " + session.agentId() + " would have changed " + usage.rows()
                    + " rows" + within + ", and its budget is " + budget.rows()));
        }
        for (ChangedRows.Loss loss : losses) {
            TableRows used = usage.byTable().get(loss.oid());
            if (used == null) {
                continue;
            }
            Optional<Long> smallest = smallest(session, budget, usage, loss, sizes);
            boolean more = smallest.isPresent() && used.changed() * 100 > smallest.get() * budget.percent();
            if (used.changed() > 1
                    && budget.percent() < 100
                    && (more
                            || sizes.isMoreThan(
                                    budget.percent(),
                                    loss.oid(),
                                    used.changed(),
                                    used.deleted(),
                                    loss.rows().inserted(),
                                    smallest))) {
                return Optional.of(beyond("with it, agent " + session.agentId() + " would have changed "
                        + used.changed() + " rows" + within + ", more than " + budget.percent() + " percent of "
                        + loss.name()));
            }
        }
        return Optional.empty();
    }

    /** The smallest size of the table that is known of, with a new look where the last one was too long ago. */
    private Optional<Long> smallest(
            GuardedSession session, WriteBudget budget, Usage usage, ChangedRows.Loss loss, TableSizes sizes)
            throws SQLException {
        Optional<Long> known = Optional.ofNullable(usage.sizes().get(loss.oid()));
        if (budget.percent() == 100 || !usage.due().contains(loss.oid())) {
            return known;
        }
        Optional<Long> seen = sizes.before(
                loss.oid(), enough(budget), loss.rows().deleted(), loss.rows().inserted());
        if (seen.isPresent()) {
            budgets.measured(session.agentId(), session.database(), loss.oid(), seen.get(), budget.window());
            before.measured(session, loss.oid());
        }
        return seen.isPresent() && known.isPresent()
                ? Optional.of(Math.min(seen.get(), known.get()))
                : seen.or(() -> known);
    }

    /** In a table of so many rows the budget's own number of rows is used up before its share. */
    static long enough(WriteBudget budget) {
        return budget.rows() > Integer.MAX_VALUE
                ? Integer.MAX_VALUE
                : (budget.rows() * 100 + budget.percent() - 1) / budget.percent();
    }

    private static Excess beyond(String reason) {
        return new Excess(new Finding(WRITE_BUDGET, RiskLevel.CRITICAL, reason), Excess.WayBack.SNAPSHOT);
    }

    /** For a statement that was undone; that this failed is added to why. */
    void giveBack(Share share, Throwable why) {
        if (share.entry().isPresent()) {
            try {
                budgets.giveBack(share.entry().get());
            } catch (BackstopException e) {
                why.addSuppressed(e);
                LOG.warn(
                        "rows that were not changed stay in the budget of an agent until they are too old to count", e);
            }
        }
    }

    /**
     * What a statement has taken of a budget.
     *
     * @param entry names it; empty where nothing is counted
     * @param excess why it is too much
     */
    record Share(Optional<String> entry, Optional<Excess> excess) {
        static final Share NONE = new Share(Optional.empty(), Optional.empty());
    }
}
