package io.backstop.recovery.internal.copyback;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.recovery.internal.order.ForeignKeyOrder;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.recovery.model.OpenForeignKey;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.ConstraintKind;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Writes the statements that give a restored table the place and the names of the original. Immutable. */
final class RenameIntoPlace {
    private final RestoredTable restored;
    private final boolean ownerExists;

    RenameIntoPlace(RestoredTable restored, boolean ownerExists) {
        this.restored = restored;
        this.ownerExists = ownerExists;
    }

    /** The table, then its parts, under their original names; then its owner. */
    void rename(SqlScript script) {
        RelationName original = restored.original();
        String schema = original.schema().orElseThrow();
        if (!schema.equals(restored.names().schema())) {
            script.run("ALTER TABLE " + restored.target().quoted() + " SET SCHEMA " + RelationName.quote(schema));
        }
        table(script, RelationName.of(schema, restored.target().name()), original.name());
        script.run("COMMENT ON " + restored.description().sqlKind() + " " + original.quoted() + " IS "
                + restored.description().comment().map(SqlSpelling::literal).orElse("NULL"));
        Set<String> leftOut = restored.openForeignKeys().stream()
                .filter(key -> key.state() == OpenForeignKey.State.LEFT_OUT)
                .map(OpenForeignKey::name)
                .collect(Collectors.toSet());
        constraints(script, original, without(leftOut, back(restored.names().constraints())));
        indexes(script, schema, back(restored.names().indexes()));
        sequences(script, schema, back(restored.names().sequences()));
        String owner = "ALTER TABLE " + original.quoted() + " OWNER TO "
                + RelationName.quote(restored.description().owner());
        if (ownerExists) {
            script.run(owner);
        } else {
            script.note("its owner " + restored.description().owner() + " does not exist any more");
            script.commentOut(owner);
        }
    }

    /**
     * The foreign keys that could not be made as they were, now that what they refer to may be back; and those that were
     * made to a table which is set aside.
     *
     * @param others the tables that this script brings back too; what refers elsewhere is only offered, since it could
     *     not be made when the table was restored
     * @param changed those among them whose present tables are set aside
     */
    static void foreignKeys(
            SqlScript script, RestoredTable restored, List<RestoredTable> others, List<RelationName> changed) {
        for (OpenForeignKey key : restored.openForeignKeys()) {
            boolean takenOff = changed.stream().anyMatch(other -> ForeignKeyOrder.refersTo(key.key(), other));
            List<String> statements = switch (key.state()) {
                case LEFT_OUT -> added(restored, key.key());
                case NOT_VALIDATED ->
                    takenOff
                            ? added(restored, key.key())
                            : List.of("ALTER TABLE " + restored.original().quoted() + " VALIDATE CONSTRAINT "
                                    + RelationName.quote(key.name()));
            };
            if (others.stream().anyMatch(other -> ForeignKeyOrder.refersTo(key.key(), other.original()))) {
                attempt(script, restored, key.name(), statements);
            } else {
                script.note(key.warning() + "; once that is there again:");
                statements.forEach(script::commentOut);
            }
        }
        Set<String> open = names(restored.openForeignKeys());
        restored.description().constraints().stream()
                .filter(c -> c.kind() == ConstraintKind.FOREIGN_KEY && !open.contains(c.name()))
                .filter(c -> changed.stream().anyMatch(other -> ForeignKeyOrder.refersTo(c, other)))
                .forEach(c -> attempt(script, restored, c.name(), added(restored, c)));
    }

    /** Rows that it asks for may come back later, by another snapshot. */
    private static void attempt(SqlScript script, RestoredTable restored, String name, List<String> statements) {
        script.attempt("foreign key " + name + " of " + restored.original(), statements);
    }

    private static List<String> added(RestoredTable restored, Constraint constraint) {
        String table = restored.original().quoted();
        String name = RelationName.quote(constraint.name());
        String key = "ALTER TABLE " + table + " ADD CONSTRAINT " + name + " "
                + constraint.definition().replace(Constraint.SELF, table);
        return constraint
                .comment()
                .map(text -> List.of(
                        key, "COMMENT ON CONSTRAINT " + name + " ON " + table + " IS " + SqlSpelling.literal(text)))
                .orElse(List.of(key));
    }

    private static Set<String> names(List<OpenForeignKey> keys) {
        return keys.stream().map(OpenForeignKey::name).collect(Collectors.toSet());
    }

    static void table(SqlScript script, RelationName from, String to) {
        if (!from.name().equals(to)) {
            script.run("ALTER TABLE " + from.quoted() + " RENAME TO " + RelationName.quote(to));
        }
    }

    static void constraints(SqlScript script, RelationName table, Map<String, String> names) {
        renamed(names)
                .forEach((from, to) -> script.run("ALTER TABLE " + table.quoted() + " RENAME CONSTRAINT "
                        + RelationName.quote(from) + " TO " + RelationName.quote(to)));
    }

    static void indexes(SqlScript script, String schema, Map<String, String> names) {
        renamed(names)
                .forEach((from, to) -> script.run("ALTER INDEX "
                        + RelationName.of(schema, from).quoted() + " RENAME TO " + RelationName.quote(to)));
    }

    static void sequences(SqlScript script, String schema, Map<String, String> names) {
        renamed(names)
                .forEach((from, to) -> script.run("ALTER SEQUENCE "
                        + RelationName.of(schema, from).quoted() + " RENAME TO " + RelationName.quote(to)));
    }

    private static Map<String, String> renamed(Map<String, String> names) {
        Map<String, String> changed = new TreeMap<>(names);
        changed.entrySet().removeIf(e -> e.getKey().equals(e.getValue()));
        return changed;
    }

    private static Map<String, String> back(Map<String, String> names) {
        return names.entrySet().stream().collect(Collectors.toMap(Map.Entry::getValue, Map.Entry::getKey));
    }

    private static Map<String, String> without(Set<String> originals, Map<String, String> names) {
        Map<String, String> rest = new TreeMap<>(names);
        rest.values().removeAll(originals);
        return rest;
    }
}
