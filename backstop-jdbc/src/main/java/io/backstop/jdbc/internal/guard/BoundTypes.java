package io.backstop.jdbc.internal.guard;

import io.backstop.jdbc.internal.pipeline.catalog.CatalogSql;
import io.backstop.jdbc.internal.pipeline.statement.ValueTypes;
import org.postgresql.core.TypeInfo;
import org.postgresql.util.PGobject;

import java.sql.Array;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The names of types that bound values bring with them. The server runs the input function of such a type, and the CHECK of a
 * domain, when it reads the value, though the text says a question mark only. A name stays for as long as the statement does:
 * pgjdbc keeps the type of a position when a NULL of no type is bound there, and when a value cannot be bound. Belongs to one
 * statement; not thread-safe.
 */
final class BoundTypes {
    private static final String ARRAY = "[]";

    private static final String MAP = "hstore";

    private ValueTypes types = ValueTypes.NONE;

    /** Replaced where one is added. */
    ValueTypes types() {
        return types;
    }

    /** To be called once the driver has bound the value, so that it knows its type and asks nothing. */
    void sent(Object value, TypeInfo driver) throws SQLException {
        if (value instanceof PGobject object) {
            sent(driver.getPGType(object.getType()));
        } else if (value instanceof Array array) {
            sent(driver.getPGArrayType(array.getBaseTypeName()));
        } else if (value instanceof Map) {
            sent(driver.getPGType(MAP));
        }
    }

    /** @param oid as the driver has it, without a sign */
    private void sent(int oid) {
        if (Integer.toUnsignedLong(oid) >= CatalogSql.FIRST_USER_OID) {
            types = types.andOwn(Integer.toUnsignedLong(oid));
        }
    }

    /** The same for a NULL of a type that is named. */
    void sentNull(String type, TypeInfo driver) throws SQLException {
        if (type != null) {
            sent(driver.getPGType(type));
        }
    }

    /** Takes in what a value says of its type. */
    void ofValue(Object value) {
        if (value instanceof PGobject object) {
            named(object.getType());
        }
        if (value instanceof Array array) {
            named(element(array));
        }
        if (value instanceof Map) {
            named(MAP);
        }
    }

    private static String element(Array array) {
        try {
            return array.getBaseTypeName();
        } catch (SQLException e) {
            return null; // the driver asks the same, and does not bind it
        }
    }

    /** @param type as pgjdbc takes it: quoted or not, with or without its schema and the brackets of an array */
    void named(String type) {
        if (type == null) {
            return; // the driver knows none either
        }
        Set<String> all = new HashSet<>();
        String element = type;
        add(all, element);
        while (element.endsWith(ARRAY)) {
            element = element.substring(0, element.length() - ARRAY.length());
            add(all, element);
        }
        for (int from = 0; from <= element.length(); from = behindDot(element, from)) {
            for (int to = dot(element, from); to < element.length(); to = dot(element, to + 1)) {
                add(all, element.substring(from, to));
            }
            add(all, element.substring(from));
        }
        types = types.and(all);
    }

    private static int dot(String text, int from) {
        int dot = text.indexOf('.', from);
        return dot < 0 ? text.length() : dot;
    }

    private static int behindDot(String text, int from) {
        return dot(text, from) + 1;
    }

    /** With and without the quotes around it, and as the name that an array of it has. */
    private static void add(Set<String> names, String part) {
        String opened = part.startsWith("\"") ? part.substring(1) : part;
        addCases(names, part);
        addCases(names, opened);
        addCases(names, closed(part));
        addCases(names, closed(opened));
    }

    private static String closed(String part) {
        return part.endsWith("\"") ? part.substring(0, part.length() - 1) : part;
    }

    private static void addCases(Set<String> names, String name) {
        String element = name;
        while (!element.isEmpty()) {
            names.add(element);
            names.add(element.toLowerCase(Locale.ROOT));
            if (!element.startsWith("_")) {
                return;
            }
            element = element.substring(1);
        }
    }
}
