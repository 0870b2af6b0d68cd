package io.backstop.api.policy;

import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The limits and names past which an ordinary write becomes CRITICAL. Immutable, thread-safe.
 *
 * @param enabled whether the actual number of changed rows is looked at
 * @param maxWriteRows how many rows a scoped UPDATE or DELETE may change; at least 1
 * @param maxWritePercent how many percent of a table's rows a scoped UPDATE or DELETE may change; 1 to 100
 * @param budget how much an agent may change by such writes within a time; empty for as much as it likes
 * @param protectedTables tables on which every write is CRITICAL, {@code name} or {@code schema.name}
 * @param protectedColumns columns whose change is CRITICAL, by table as above
 */
public record ImpactRules(
        boolean enabled,
        long maxWriteRows,
        int maxWritePercent,
        Optional<WriteBudget> budget,
        Set<String> protectedTables,
        Map<String, Set<String>> protectedColumns) {

    public ImpactRules {
        if (maxWriteRows < 1) {
            throw new IllegalArgumentException("max_write_rows_without_critical has to be at least 1");
        }
        if (maxWritePercent < 1 || maxWritePercent > 100) {
            throw new IllegalArgumentException("max_write_percent_without_critical has to be between 1 and 100");
        }
        Objects.requireNonNull(budget, "budget");
        protectedTables = Set.copyOf(protectedTables);
        protectedColumns = protectedColumns.entrySet().stream()
                .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, table -> Set.copyOf(table.getValue())));
    }

    public static ImpactRules defaults() {
        return new ImpactRules(true, 1000, 50, Optional.of(WriteBudget.defaults()), Set.of(), Map.of());
    }

    /** The same limits on each statement, and none on all of them together. */
    public ImpactRules withoutBudget() {
        return new ImpactRules(
                enabled, maxWriteRows, maxWritePercent, Optional.empty(), protectedTables, protectedColumns);
    }
}
