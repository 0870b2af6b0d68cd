package io.backstop.recovery.internal.order;

import io.backstop.recovery.model.RestoredTable;

import java.util.List;

/** Where a table stands among partitioned tables and their partitions that were restored with it. */
public final class PartitionTree {
    private PartitionTree() {}

    /** How many partitioned tables among these a table is a part of. */
    public static int depth(RestoredTable table, List<RestoredTable> among) {
        return among.stream()
                .filter(table::isPartitionOf)
                .mapToInt(parent -> 1 + depth(parent, among))
                .max()
                .orElse(0);
    }

    /** The topmost of these that a table is a part of, or the table itself. */
    public static RestoredTable head(RestoredTable table, List<RestoredTable> among) {
        return among.stream()
                .filter(table::isPartitionOf)
                .findFirst()
                .map(parent -> head(parent, among))
                .orElse(table);
    }
}
