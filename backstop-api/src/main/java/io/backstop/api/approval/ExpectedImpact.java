package io.backstop.api.approval;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What a held statement would change, as far as that could be found out before it runs. Immutable, thread-safe.
 *
 * @param tables the tables that it names, and those that it reaches through them
 * @param rows how many rows it inserted, updated and deleted when it was run and rolled back; empty where it was not run
 * @param changes these rows by table, cascades and triggers included
 * @param sample some of the rows of its target; empty where the policy allows none
 * @param note why it was not run, or what else limits these figures; empty for nothing
 */
public record ExpectedImpact(
        List<Table> tables, Optional<Long> rows, List<TableChange> changes, List<SampleRow> sample, String note) {
    /** Nothing was found out. */
    public static final ExpectedImpact UNKNOWN = of(List.of(), "");

    public ExpectedImpact {
        tables = List.copyOf(tables);
        Objects.requireNonNull(rows, "rows");
        changes = List.copyOf(changes);
        sample = List.copyOf(sample);
        Objects.requireNonNull(note, "note");
    }

    /** What the catalog alone tells. */
    public static ExpectedImpact of(List<Table> tables, String note) {
        return new ExpectedImpact(tables, Optional.empty(), List.of(), List.of(), note);
    }

    /** The same with what a run has shown that was rolled back. */
    public ExpectedImpact with(List<TableChange> counted, List<SampleRow> shown) {
        return new ExpectedImpact(
                tables,
                Optional.of(counted.stream().mapToLong(TableChange::rows).sum()),
                counted,
                shown,
                note);
    }

    /** The same with one more thing that limits the figures. */
    public ExpectedImpact noting(String more) {
        return new ExpectedImpact(
                tables, rows, changes, sample, note.isEmpty() || more.isEmpty() ? note + more : note + "; " + more);
    }

    /**
     * A table in reach.
     *
     * @param name with its schema
     * @param estimatedRows as the server estimates them; negative where it has no estimate
     * @param through the foreign key or the parent that leads to it; empty if the statement names it
     */
    public record Table(String name, long estimatedRows, String through) {
        public Table {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(through, "through");
        }
    }

    /**
     * What was changed of a table; of a partition under its own name.
     *
     * @param name with its schema
     */
    public record TableChange(String name, long inserted, long updated, long deleted) {
        public TableChange {
            Objects.requireNonNull(name, "name");
        }

        /** All of them. */
        public long rows() {
            return inserted + updated + deleted;
        }
    }

    /**
     * A row that would be changed, its columns by name: long values cut, secret ones masked.
     *
     * @param before as it is; empty where it would be inserted, or could not be told
     * @param after as it would be; empty where it would be deleted
     */
    public record SampleRow(Map<String, String> before, Map<String, String> after) {
        public SampleRow {
            before = Collections.unmodifiableMap(new LinkedHashMap<>(before));
            after = Collections.unmodifiableMap(new LinkedHashMap<>(after));
        }
    }
}
