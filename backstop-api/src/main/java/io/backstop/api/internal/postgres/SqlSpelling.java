package io.backstop.api.internal.postgres;

import io.backstop.api.analysis.RelationName;

import java.util.List;

/** Names and constants as SQL text (PostgreSQL documentation, 4.1). Stateless. */
public final class SqlSpelling {
    private SqlSpelling() {}

    /** A string constant, for {@code standard_conforming_strings = on} (4.1.2.1). */
    public static String literal(String value) {
        return "'" + value.replace("'", "''") + "'";
    }

    /** A string constant that means the same under either {@code standard_conforming_strings} (4.1.2.2). */
    public static String escapedLiteral(String value) {
        return " E'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'";
    }

    /** The ways in which PostgreSQL may write a qualified name: a part is quoted only where it has to be. */
    public static List<String> spellings(RelationName name) {
        String schema = name.schema().orElseThrow();
        String quotedSchema = RelationName.quote(schema);
        String quotedName = RelationName.quote(name.name());
        return List.of(
                schema + "." + name.name(),
                schema + "." + quotedName,
                quotedSchema + "." + name.name(),
                quotedSchema + "." + quotedName);
    }
}
