package io.backstop.api.control;

import io.backstop.api.error.ControlStoreUnavailableException;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Counts the rows that each agent has changed of late by ordinary writes, over all its connections and processes. Each step
 * is atomic, also among processes. Implementations are thread-safe.
 */
public interface WriteBudgets {
    /**
     * Adds what a statement has changed and is about to keep.
     *
     * @param database {@code host:port/name}
     * @param window how long it is remembered
     * @return all that the agent has changed within the window, this included
     */
    Usage add(String agentId, String database, List<TableRows> rows, Duration window)
            throws ControlStoreUnavailableException;

    /**
     * Remembers how many rows a table had before a write, which rows that are inserted later do not change.
     *
     * @param agentId whose write it is
     * @param size how many rows, or fewer where that is enough to judge by
     * @param window how long it is remembered
     */
    void measured(String agentId, String database, long table, long size, Duration window)
            throws ControlStoreUnavailableException;

    /** Takes back what was added, for a statement that was undone. A second time nothing happens. */
    void giveBack(String entry) throws ControlStoreUnavailableException;

    /**
     * Rows of one table.
     *
     * @param table the table's oid
     * @param changed how many were updated or deleted
     * @param deleted how many of these were deleted
     */
    record TableRows(long table, long changed, long deleted) {
        public TableRows {
            if (deleted < 0 || changed < deleted) {
                throw new IllegalArgumentException("of " + changed + " changed rows, " + deleted + " were deleted");
            }
        }
    }

    /**
     * What an agent has changed within the window.
     *
     * @param entry names what was added, for {@link #giveBack}
     * @param rows how many rows, of all databases
     * @param byTable the rows of those tables of the database that were added to, by oid
     * @param sizes the smallest sizes of these tables that were remembered within the window, for any agent, by oid
     * @param due which of these tables no size was remembered of in the last quarter of the window
     */
    record Usage(String entry, long rows, Map<Long, TableRows> byTable, Map<Long, Long> sizes, Set<Long> due) {
        public Usage {
            Objects.requireNonNull(entry, "entry");
            byTable = Map.copyOf(byTable);
            sizes = Map.copyOf(sizes);
            due = Set.copyOf(due);
        }
    }
}
