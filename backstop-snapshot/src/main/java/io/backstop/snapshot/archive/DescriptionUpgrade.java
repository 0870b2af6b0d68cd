package io.backstop.snapshot.archive;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Brings a description that was stored by an earlier version into today's form. It said some things in SQL alone, as the
 * server printed it; this is the one place that reads them out of there. Stateless.
 */
final class DescriptionUpgrade {
    private static final String SELF = "\u0001self\u0001";
    private static final String NAME = "(?:\"(?:[^\"]|\"\")*\"|[^\\s\",().]+)";
    private static final String PART = "(?:PERIOD )?" + NAME;
    private static final String LIST = "\\((" + PART + "(?:, " + PART + ")*)\\)";
    private static final Pattern ONE_NAME = Pattern.compile(NAME);

    /** As pg_get_constraintdef writes it (ruleutils.c, pg_get_constraintdef_worker). */
    private static final Pattern FOREIGN_KEY =
            Pattern.compile("FOREIGN KEY " + LIST + " REFERENCES (" + SELF + "|" + NAME
                    + "\\." + NAME + ")" + LIST + "(?: MATCH (FULL|PARTIAL))?(?: ON UPDATE (" + Action.WORDS
                    + "))?(?: ON DELETE ("
                    + Action.WORDS + ")(?: " + LIST
                    + ")?)?( DEFERRABLE)?( INITIALLY DEFERRED)?(?: NOT ENFORCED)?(?: NOT VALID)?");

    private static final Pattern NOT_NULL = Pattern.compile("NOT NULL (" + NAME + ")(?: NO INHERIT)?(?: NOT VALID)?");
    private static final Pattern METHOD = Pattern.compile("(" + NAME + ") .*", Pattern.DOTALL);
    private static final Pattern METHOD_OF_CLASS = Pattern.compile(" AND m\\.amname = '([a-z_][a-z0-9_]*)'\\)$");
    private static final Pattern PLACE = Pattern.compile("(" + NAME + ") on (" + NAME + ")\\.(" + NAME + ")");
    private static final Pattern RELATION = Pattern.compile("(" + NAME + ")\\.(" + NAME + ")");

    private DescriptionUpgrade() {}

    /** @throws IllegalArgumentException naming the part that cannot be read */
    static void complete(ObjectNode table) {
        if (!table.has("foreign")) {
            table.putNull("foreign"); // stored before foreign tables were
        }
        if (!table.has("partitions")) {
            table.putArray("partitions"); // stored before partitioned tables named theirs
        }
        for (ObjectNode constraint : objects(table.get("constraints"))) {
            if (!constraint.has("columns")) {
                complete(constraint, table);
            }
        }
        for (ObjectNode index : objects(table.get("indexes"))) {
            if (!index.has("method")) {
                completeIndex(index);
            }
        }
        for (ObjectNode dependent : objects(table.get("dependents"))) {
            if (!dependent.has("place")) {
                completeDependent(dependent, table);
            }
        }
        for (ObjectNode prerequisite : objects(table.get("prerequisites"))) {
            if (prerequisite.has("exists")) {
                completePrerequisite(prerequisite);
            }
        }
    }

    /** It held SQL that told whether the thing is there. That is asked by its kind and its name now. */
    private static void completePrerequisite(ObjectNode prerequisite) {
        String exists = text(prerequisite, "exists");
        prerequisite.remove("exists");
        String kind = text(prerequisite, "kind");
        String identity = text(prerequisite, "identity");
        if (kind.equals("operator class") || kind.equals("operator family")) {
            Matcher method = METHOD_OF_CLASS.matcher(exists);
            if (!method.find()) {
                throw new IllegalArgumentException(kind + " " + identity + " does not tell its access method");
            }
            prerequisite.put("identity", identity + " USING " + method.group(1));
        }
    }

    private static void complete(ObjectNode constraint, ObjectNode table) {
        String definition = text(constraint, "definition");
        String kind = text(constraint, "kind");
        constraint.put("validated", !definition.endsWith(" NOT VALID"));
        constraint.put(
                "no_inherit", definition.endsWith(" NO INHERIT") || definition.endsWith(" NO INHERIT NOT VALID"));
        ArrayNode columns = constraint.putArray("columns");
        constraint.putNull("foreign_key");
        if (kind.equals("foreign_key")) {
            Matcher key = matcher(FOREIGN_KEY, definition, "foreign key", constraint);
            names(key.group(1)).forEach(columns::add);
            completeForeignKey(constraint.putObject("foreign_key"), key, table);
        } else if (kind.equals("not_null")) {
            columns.add(unquoted(
                    matcher(NOT_NULL, definition, "constraint", constraint).group(1)));
        }
    }

    private static void completeForeignKey(ObjectNode foreignKey, Matcher key, ObjectNode table) {
        boolean self = key.group(2).equals(SELF);
        Matcher referenced = RELATION.matcher(key.group(2));
        if (self) {
            foreignKey.put("schema", text(table, "schema")).put("table", text(table, "name"));
        } else if (referenced.matches()) {
            foreignKey.put("schema", unquoted(referenced.group(1))).put("table", unquoted(referenced.group(2)));
        }
        ArrayNode columns = foreignKey.putArray("columns");
        names(key.group(3)).forEach(columns::add);
        foreignKey.put("self", self);
        foreignKey.put("match", key.group(4) == null ? "simple" : key.group(4));
        foreignKey.put("on_update", Action.written(key.group(5)));
        foreignKey.put("on_delete", Action.written(key.group(6)));
        ArrayNode set = foreignKey.putArray("on_delete_columns");
        if (key.group(7) != null) {
            names(key.group(7)).forEach(set::add);
        }
        foreignKey.put("deferrable", key.group(8) != null);
        foreignKey.put("initially_deferred", key.group(9) != null);
    }

    private static void completeIndex(ObjectNode index) {
        String body = text(index, "body");
        index.put("method", unquoted(matcher(METHOD, body, "index", index).group(1)));
        index.put("partial", body.contains(" WHERE ")); // it decides no more than what is begun first
    }

    private static void completeDependent(ObjectNode dependent, ObjectNode table) {
        String kind = text(dependent, "kind");
        String identity = text(dependent, "identity");
        dependent.putNull("place");
        if (kind.equals("foreign key")) {
            Matcher on = PLACE.matcher(identity);
            if (!on.matches()) {
                throw new IllegalArgumentException(kind + " " + identity + " does not tell where it stands");
            }
            place(dependent, on.group(2), on.group(3), unquoted(on.group(1)));
        } else if (kind.equals("partition of") || kind.equals("inherits")) {
            Matcher parent = RELATION.matcher(identity);
            if (!parent.matches()) {
                throw new IllegalArgumentException(kind + " " + identity + ": that is no table's name");
            }
            place(dependent, parent.group(1), parent.group(2), text(table, "name"));
        }
    }

    private static void place(ObjectNode dependent, String schema, String table, String name) {
        dependent
                .putObject("place")
                .put("schema", unquoted(schema))
                .put("table", unquoted(table))
                .put("name", name);
    }

    private static List<ObjectNode> objects(@Nullable JsonNode array) {
        List<ObjectNode> objects = new ArrayList<>();
        if (array != null) {
            array.forEach(node -> {
                if (node instanceof ObjectNode object) {
                    objects.add(object);
                }
            });
        }
        return objects;
    }

    private static String text(ObjectNode object, String name) {
        JsonNode value = object.get(name);
        if (value == null || !value.isString()) {
            throw new IllegalArgumentException("a part has no " + name);
        }
        return value.asString();
    }

    private static Matcher matcher(Pattern pattern, String text, String what, ObjectNode named) {
        Matcher matcher = pattern.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(what + " " + text(named, "name") + " is written in an unknown way");
        }
        return matcher;
    }

    private static List<String> names(String list) {
        return ONE_NAME.matcher(list.replace("PERIOD ", ""))
                .results()
                .map(name -> unquoted(name.group()))
                .toList();
    }

    private static String unquoted(String name) {
        return name.startsWith("\"") ? name.substring(1, name.length() - 1).replace("\"\"", "\"") : name;
    }

    /** What a foreign key does, as SQL and as the description have it. */
    private static final class Action {
        static final String WORDS = "NO ACTION|RESTRICT|CASCADE|SET NULL|SET DEFAULT";

        private Action() {}

        static String written(@Nullable String words) {
            return words == null ? "no_action" : words.replace(' ', '_');
        }
    }
}
