package io.backstop.snapshot.internal.copy;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.schema.TableDescription;

import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The numbers of tables' columns, which a column that is dropped and added again does not keep. They are no part of a table's
 * description: a restored table has others. Immutable, thread-safe.
 */
public final class ColumnNumbers {
    private static final String SELECT = """
            SELECT attrelid, attnum, attname FROM pg_catalog.pg_attribute
            WHERE attrelid = ANY (%s) AND attnum > 0 AND NOT attisdropped
            """;

    private final Map<Long, Map<String, Integer>> numbers;

    private ColumnNumbers(Map<Long, Map<String, Integer>> numbers) {
        this.numbers = numbers;
    }

    /** Those of the tables that exist. */
    public static ColumnNumbers read(CallerSession session, Collection<Long> oids) throws SQLException {
        Map<Long, Map<String, Integer>> numbers = new HashMap<>();
        for (Column column : session.rows(
                SELECT.formatted(CallerSession.array(oids)),
                row -> new Column(row.getLong(1), row.getInt(2), row.getString(3)))) {
            numbers.computeIfAbsent(column.table(), table -> new HashMap<>()).put(column.name(), column.number());
        }
        return new ColumnNumbers(numbers);
    }

    /** The columns of a table whose values are stored, with their numbers. */
    public List<SnapshotManifest.Column> columns(long table, TableDescription description) {
        Map<String, Integer> own = numbers.getOrDefault(table, Map.of());
        return TableCopier.columns(description).stream()
                .map(column -> new SnapshotManifest.Column(
                        column.name(), column.type(), Optional.ofNullable(own.get(column.name()))))
                .toList();
    }

    private record Column(long table, int number, String name) {}
}
