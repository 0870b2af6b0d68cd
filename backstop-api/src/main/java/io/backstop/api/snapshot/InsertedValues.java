package io.backstop.api.snapshot;

import io.backstop.api.analysis.RelationName;

import java.util.List;
import java.util.Objects;

/**
 * What the text of an INSERT tells of the rows that it makes. It holds the statement's values, so it is for the server alone,
 * never for a log, a message or a file. Immutable, thread-safe.
 *
 * @param table as the text names it
 * @param columns those that it lists, in its order; empty where it lists none, and means the table's
 * @param values for each of these columns the expressions of all rows, which can be evaluated again; none of a column of which
 *     that is not certain, and no columns at all where the rows do not come from VALUES
 */
public record InsertedValues(RelationName table, List<String> columns, List<List<String>> values) {
    public InsertedValues {
        Objects.requireNonNull(table, "table");
        columns = List.copyOf(columns);
        values = values.stream().map(List::copyOf).toList();
    }

    @Override
    public String toString() {
        return "InsertedValues[" + table + "]";
    }
}
