package io.backstop.recovery.internal.schema;

import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.snapshot.describe.ObjectAddress;
import io.backstop.snapshot.describe.ObjectDescriber;
import io.backstop.snapshot.schema.PrerequisiteKind;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;

import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/** A function, type, sequence or schema that is there, beside the one of its name that was stored. Stateless. */
public final class PresentObject {
    private PresentObject() {}

    /**
     * Says where it is not what was stored. It stays: nothing here tells who made it so, or what relies on it by now.
     *
     * @param warnings are added to, once for each object
     */
    public static void tell(
            RecoveryTransaction transaction, SqlScript script, Prerequisite stored, List<String> warnings)
            throws SQLException {
        Optional<Prerequisite> present = find(transaction, stored);
        if (stored.kind() == PrerequisiteKind.SCHEMA || stored.sql().isEmpty() || present.isEmpty()) {
            return;
        }
        String words = stored.kind() + " " + stored.identity();
        if (!statements(present.get(), false).equals(statements(stored, false))) {
            tell(script, stored, words + " is another by now, and stays as it is" + whatUsesIt(stored), warnings);
        } else if (!statements(present.get(), true).equals(statements(stored, true))) {
            tell(
                    script,
                    stored,
                    words + " has another owner, comment or other rights by now, and keeps them",
                    warnings);
        }
    }

    private static void tell(SqlScript script, Prerequisite stored, String warning, List<String> warnings) {
        if (!warnings.contains(warning)) {
            warnings.add(warning);
            script.part(warning);
            stored.sql().forEach(script::commentOut);
        }
    }

    private static String whatUsesIt(Prerequisite stored) {
        return switch (stored.kind()) {
            case FUNCTION -> ": generated columns, checks and indexes that call it get what it answers now";
            case DOMAIN, TYPE -> ": columns of it hold what it allows now";
            default -> "";
        };
    }

    /** What has its name; empty for what is not looked up, too. */
    static Optional<Prerequisite> find(RecoveryTransaction transaction, Prerequisite stored) throws SQLException {
        Optional<String> lookup = lookup(stored.kind());
        if (lookup.isEmpty()) {
            return Optional.empty();
        }
        List<List<String>> found = transaction.rows(lookup.get(), stored.identity());
        if (found.isEmpty() || found.get(0).get(1) == null) {
            return Optional.empty();
        }
        ObjectAddress address = new ObjectAddress(
                Long.parseLong(found.get(0).get(0)), Long.parseLong(found.get(0).get(1)));
        return new ObjectDescriber().describe(transaction.connection(), address).map(ObjectDescriber::itself);
    }

    /** @param rights whether the rights and the comment, or else all but these */
    private static List<String> statements(Prerequisite object, boolean rights) {
        return object.sql().stream()
                .filter(sql -> !sql.startsWith("SELECT pg_catalog.setval("))
                .filter(sql ->
                        (MissingObject.isRight(List.of(sql)) || sql.equals("RESET ROLE") || sql.startsWith("COMMENT "))
                                == rights)
                .toList();
    }

    private static Optional<String> lookup(PrerequisiteKind kind) {
        return switch (kind) {
            case FUNCTION, PROCEDURE, AGGREGATE ->
                Optional.of("SELECT 'pg_proc'::regclass::oid::text, to_regprocedure(?)::oid::text");
            case TYPE, DOMAIN -> Optional.of("SELECT 'pg_type'::regclass::oid::text, to_regtype(?)::oid::text");
            case SEQUENCE -> Optional.of("SELECT 'pg_class'::regclass::oid::text, to_regclass(?)::oid::text");
            case SCHEMA ->
                Optional.of("SELECT 'pg_namespace'::regclass::oid::text,"
                        + " (SELECT oid FROM pg_namespace WHERE nspname = ?)::text");
            default -> Optional.empty();
        };
    }
}
