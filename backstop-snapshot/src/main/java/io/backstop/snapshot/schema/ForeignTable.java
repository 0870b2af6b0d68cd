package io.backstop.snapshot.schema;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;

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

    /** What a wrapper understands, which may be case-sensitive: the names are quoted too. */
    static String optionsClause(List<String> options) {
        return options.isEmpty()
                ? ""
                : options.stream()
                        .map(option -> option.split("=", 2))
                        .map(option -> RelationName.quote(option[0]) + " " + SqlSpelling.literal(option[1]))
                        .collect(Collectors.joining(", ", " OPTIONS (", ")"));
    }
}
