package io.backstop.jdbc.internal.control;

import java.util.List;

/**
 * One step of the control store's tables from an earlier version to a later one.
 *
 * @param number its place among the steps, from 1
 * @param statements the statements, run in this order in one transaction
 */
public record Migration(int number, List<String> statements) {
    public Migration {
        if (number < 1) {
            throw new IllegalArgumentException("migrations are numbered from 1, not from " + number);
        }
        statements = List.copyOf(statements);
    }
}
