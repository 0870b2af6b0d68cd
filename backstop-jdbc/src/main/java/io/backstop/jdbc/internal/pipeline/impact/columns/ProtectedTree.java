package io.backstop.jdbc.internal.pipeline.impact.columns;

import io.backstop.jdbc.policy.PolicyNames;

import java.util.Set;

/**
 * A table of which the policy protects columns, with its partitions and children. Immutable.
 *
 * @param name the policy's name of the table
 * @param tables their oids
 * @param columns the policy's names of the columns
 */
public record ProtectedTree(String name, Set<Long> tables, Set<String> columns) {
    public ProtectedTree {
        tables = Set.copyOf(tables);
        columns = Set.copyOf(columns);
    }

    boolean protects(long table, String column) {
        return tables.contains(table) && columns.stream().anyMatch(name -> PolicyNames.meansColumn(name, column));
    }
}
