package io.backstop.snapshot.schema;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * The attributes that only a foreign table has. Its rows are another server's. Immutable, thread-safe.
 *
 * @param server the foreign server, unquoted
 * @param options what the server's wrapper is told of the table, {@code name=value}
 * @param columnOptions what it is told of columns, by their names
 */
public record ForeignTable(String server, List<String> options, Map<String, List<String>> columnOptions) {
    public ForeignTable {
        Objects.requireNonNull(server, "server");
        options = List.copyOf(options);
        columnOptions = Collections.unmodifiableMap(new TreeMap<>(columnOptions));
    }
}
