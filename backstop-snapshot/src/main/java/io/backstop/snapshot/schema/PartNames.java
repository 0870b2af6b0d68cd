package io.backstop.snapshot.schema;

import io.backstop.api.analysis.RelationName;

import java.util.Map;

/**
 * The names of a table and its parts where it is made: the original's, or free ones beside them. Parts are looked up by
 * their original names. Implementations are immutable and thread-safe.
 */
public interface PartNames {
    /** The table, with its schema. All of its parts live in that schema too. */
    RelationName target();

    String constraint(String original);

    String index(String original);

    String sequence(String original);

    /**
     * The sequences of other tables that are called something else too, by their qualified names as the server writes them
     * in a default.
     */
    default Map<String, RelationName> sequencesOfOthers() {
        return Map.of();
    }

    /** The names that the parts had when they were described. */
    static PartNames original(TableDescription table) {
        return new PartNames() {
            @Override
            public RelationName target() {
                return RelationName.of(table.schema(), table.name());
            }

            @Override
            public String constraint(String original) {
                return original;
            }

            @Override
            public String index(String original) {
                return original;
            }

            @Override
            public String sequence(String original) {
                return original;
            }
        };
    }
}
