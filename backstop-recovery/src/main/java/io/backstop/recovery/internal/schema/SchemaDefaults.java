package io.backstop.recovery.internal.schema;

import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.snapshot.schema.PrerequisiteKind;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;

import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What new objects of a schema are granted to others (ALTER DEFAULT PRIVILEGES IN SCHEMA). It comes when all that the script
 * makes is there, for that has the rights that were stored with it. Stateless.
 */
public final class SchemaDefaults {
    private SchemaDefaults() {}

    static boolean isOne(String sql) {
        return sql.startsWith("ALTER DEFAULT PRIVILEGES ");
    }

    /**
     * Writes those that a schema lacks.
     *
     * @param stored among them the schemas, by whether the schema itself was lost; what another one lacks was perhaps taken
     *     from it for a reason, and is only offered
     */
    public static void write(RecoveryTransaction transaction, SqlScript script, Map<Prerequisite, Boolean> stored)
            throws SQLException {
        Map<String, Boolean> lacking = new LinkedHashMap<>();
        for (Map.Entry<Prerequisite, Boolean> schema : stored.entrySet()) {
            if (schema.getKey().kind() == PrerequisiteKind.SCHEMA
                    && schema.getKey().sql().stream().anyMatch(SchemaDefaults::isOne)) {
                List<String> present = PresentObject.find(transaction, schema.getKey())
                        .map(Prerequisite::sql)
                        .orElse(List.of());
                schema.getKey().sql().stream()
                        .filter(sql -> isOne(sql) && !present.contains(sql))
                        .forEach(sql -> lacking.merge(sql, schema.getValue(), Boolean::logicalOr));
            }
        }
        if (lacking.isEmpty()) {
            return;
        }
        script.part("what new objects of the schema are granted to others");
        lacking.forEach((sql, lost) -> {
            if (lost) {
                script.attempt("a default privilege", List.of(sql));
            } else {
                script.commentOut(sql);
            }
        });
    }
}
