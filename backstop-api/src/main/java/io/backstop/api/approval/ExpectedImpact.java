package io.backstop.api.approval;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What a held statement would change, as far as that could be found out before it runs. Immutable, thread-safe.
 *
 * @param tables the tables that it names, and those that it reaches through them
 * @param rows how many rows it changed when it was run and rolled back; empty where it was not run
 * @param note why it was not run, or what else limits these figures; empty for nothing
 */
public record ExpectedImpact(List<Table> tables, Optional<Long> rows, String note) {
    /** Nothing was found out. */
    public static final ExpectedImpact UNKNOWN = new ExpectedImpact(List.of(), Optional.empty(), "");

    public ExpectedImpact {
        tables = List.copyOf(tables);
        Objects.requireNonNull(rows, "rows");
        Objects.requireNonNull(note, "note");
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
}
