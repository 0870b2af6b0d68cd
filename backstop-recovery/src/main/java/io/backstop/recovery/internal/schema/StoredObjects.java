package io.backstop.recovery.internal.schema;

import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.snapshot.describe.ObjectAddress;
import io.backstop.snapshot.describe.ObjectDescriber;
import io.backstop.snapshot.schema.PrerequisiteKind;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;

import java.sql.SQLException;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Functions, types and sequences that went by themselves, as they were. What is missing of them is made again; what is there
 * and is another stays, and is named. Immutable.
 *
 * @param objects their descriptions, each with what it is made of
 */
public record StoredObjects(List<TableDescription> objects) {
    public static final StoredObjects NONE = new StoredObjects(List.of());

    public StoredObjects {
        objects = List.copyOf(objects);
    }

    /**
     * Writes what makes them again.
     *
     * @param warnings are added to, where one is another by now
     */
    public void write(RecoveryTransaction transaction, SqlScript script, List<String> warnings) throws SQLException {
        Set<String> named = new HashSet<>();
        for (TableDescription object : objects) {
            Prerequisite itself = ObjectDescriber.itself(object);
            for (Prerequisite part : object.prerequisites()) {
                String name = part.kind() + " " + part.identity();
                if (!transaction.has(part)) {
                    if (named.add(name)) {
                        script.part(name + " went by itself, and comes back");
                        part.sql().forEach(script::run);
                    }
                } else if (part.equals(itself) && differs(transaction, part)) {
                    String warning = name + " is another by now, and stays as it is";
                    warnings.add(warning);
                    script.part(warning);
                    part.sql().forEach(script::commentOut);
                }
            }
        }
    }

    /** A sequence that is there goes neither on nor back. */
    private static boolean differs(RecoveryTransaction transaction, Prerequisite stored) throws SQLException {
        Optional<String> lookup = lookup(stored.kind());
        if (lookup.isEmpty()) {
            return false;
        }
        List<List<String>> found = transaction.rows(lookup.get(), stored.identity());
        if (found.isEmpty() || found.get(0).get(1) == null) {
            return false;
        }
        ObjectAddress address = new ObjectAddress(
                Long.parseLong(found.get(0).get(0)), Long.parseLong(found.get(0).get(1)));
        return new ObjectDescriber()
                .describe(transaction.connection(), address)
                .map(ObjectDescriber::itself)
                .filter(present -> !statements(present).equals(statements(stored)))
                .isPresent();
    }

    private static List<String> statements(Prerequisite object) {
        return object.sql().stream()
                .filter(sql -> !sql.startsWith("SELECT pg_catalog.setval("))
                .toList();
    }

    private static Optional<String> lookup(PrerequisiteKind kind) {
        return switch (kind) {
            case FUNCTION, PROCEDURE, AGGREGATE ->
                Optional.of("SELECT 'pg_proc'::regclass::oid::text, to_regprocedure(?)::oid::text");
            case TYPE, DOMAIN -> Optional.of("SELECT 'pg_type'::regclass::oid::text, to_regtype(?)::oid::text");
            case SEQUENCE -> Optional.of("SELECT 'pg_class'::regclass::oid::text, to_regclass(?)::oid::text");
            default -> Optional.empty();
        };
    }
}
