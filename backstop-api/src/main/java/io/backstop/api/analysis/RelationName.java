package io.backstop.api.analysis;

import java.util.Objects;
import java.util.Optional;

/**
 * The name of a relation, or of another object that lives in a schema, as a statement wrote it: unquoted parts folded
 * to lower case, quoted parts unchanged and without their quotes. Immutable, thread-safe.
 *
 * @param schema the schema, if the statement named one
 * @param name the name within its schema
 */
public record RelationName(Optional<String> schema, String name) {
    public RelationName {
        Objects.requireNonNull(schema, "schema");
        Objects.requireNonNull(name, "name");
    }

    public static RelationName of(String name) {
        return new RelationName(Optional.empty(), name);
    }

    public static RelationName of(String schema, String name) {
        return new RelationName(Optional.of(schema), name);
    }

    /** The name as SQL, every part quoted, so that it means this object and no other: {@code "public"."users"}. */
    public String quoted() {
        return schema.map(s -> quote(s) + ".").orElse("") + quote(name);
    }

    /** {@code schema.name} or {@code name}: for people and reports, not for SQL. */
    @Override
    public String toString() {
        return schema.map(s -> s + ".").orElse("") + name;
    }

    /** An identifier in double quotes (PostgreSQL documentation, 4.1.1). */
    public static String quote(String identifier) {
        return '"' + identifier.replace("\"", "\"\"") + '"';
    }
}
