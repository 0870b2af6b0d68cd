package io.backstop.jdbc.internal.pipeline.catalog;

import java.util.Collection;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What questions to the catalog are made of. Stateless. */
public final class CatalogSql {
    /** FirstNormalObjectId of PostgreSQL's src/include/access/transam.h: below are initdb's own objects. */
    private static final String USERS = "16384::pg_catalog.oid";

    private static final Pattern OPERATOR = Pattern.compile(" (=|<>|<=|>=|<|>|~|-|&&) ");

    private CatalogSql() {}

    /**
     * A question in one line, with the number from which on objects are the user's in the place of USERS, and every operator
     * that stands between spaces qualified: on the session's search path it may mean anything.
     */
    public static String qualified(String sql) {
        return OPERATOR.matcher(sql.replace("USERS", USERS).replace('\n', ' ')).replaceAll(" OPERATOR(pg_catalog.$1) ");
    }

    /** An array as PostgreSQL writes it (documentation, 8.15.6). */
    public static String array(Collection<?> elements) {
        return elements.stream()
                .map(element ->
                        '"' + String.valueOf(element).replace("\\", "\\\\").replace("\"", "\\\"") + '"')
                .collect(Collectors.joining(",", "{", "}"));
    }
}
