package io.backstop.recovery.internal.schema;

import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.sql.ServerErrors;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes a schema, function, type or sequence that is missing. Its owner and grants are not what it is: where a role is gone,
 * or may not be given rights by this one, it is made without, and open to nobody whom it was closed to. A function that runs
 * with its owner's rights is made with all of it or not at all. Stateless.
 */
public final class MissingObject {
    private MissingObject() {}

    /**
     * Makes it now.
     *
     * @return what it lacks, a sentence each
     * @throws SQLException where it cannot be made; nothing of it is there then
     */
    public static List<String> make(RecoveryTransaction transaction, Prerequisite object) throws SQLException {
        if (isOfItsOwner(object)) {
            transaction.attempt(object.sql());
            return List.of();
        }
        List<String> lacking = new ArrayList<>();
        List<String> itself = new ArrayList<>();
        for (List<String> step : steps(object)) {
            if (!isRight(step)) {
                itself.addAll(step);
            }
        }
        transaction.attempt(itself);
        for (List<String> step : steps(object)) {
            if (isRight(step)) {
                closed(step).forEach(sql -> attempt(transaction, List.of(sql), object, lacking));
                attempt(transaction, step, object, lacking);
            }
        }
        return lacking;
    }

    private static void attempt(
            RecoveryTransaction transaction, List<String> step, Prerequisite object, List<String> lacking) {
        try {
            transaction.attempt(step);
        } catch (SQLException e) {
            lacking.add(words(object) + " was made without one of its rights: " + ServerErrors.sentence(e));
        }
    }

    /** Writes what makes it. */
    public static void write(SqlScript script, Prerequisite object) {
        for (List<String> step : steps(object)) {
            if (isRight(step) && !isOfItsOwner(object)) {
                closed(step).forEach(script::run);
                script.attempt("a right on " + words(object), step);
            } else {
                step.forEach(script::run);
            }
        }
    }

    /** Those of a schema that another text of it does not have. */
    static List<List<String>> grantsBeyond(Prerequisite stored, Prerequisite present) {
        return steps(stored).stream()
                .filter(step -> step.stream()
                        .anyMatch(sql ->
                                sql.startsWith("GRANT ") && !present.sql().contains(sql)))
                .toList();
    }

    /** A grant by another role is three statements, of which none has a meaning alone. */
    private static List<List<String>> steps(Prerequisite object) {
        List<List<String>> steps = new ArrayList<>();
        List<String> byRole = new ArrayList<>();
        for (String sql : object.sql()) {
            if (SchemaDefaults.isOne(sql)) {
                continue; // comes last
            }
            if (sql.startsWith("SET LOCAL ROLE ") || !byRole.isEmpty()) {
                byRole.add(sql);
                if (sql.equals("RESET ROLE")) {
                    steps.add(List.copyOf(byRole));
                    byRole.clear();
                }
            } else {
                steps.add(List.of(sql));
            }
        }
        if (!byRole.isEmpty()) {
            steps.add(byRole);
        }
        return steps;
    }

    static boolean isRight(List<String> step) {
        String sql = step.get(0);
        return sql.startsWith("SET LOCAL ROLE ")
                || sql.startsWith("GRANT ")
                || sql.startsWith("REVOKE ")
                || (sql.startsWith("ALTER ") && sql.contains(" OWNER TO "));
    }

    private static boolean isOfItsOwner(Prerequisite object) {
        return object.sql().stream().anyMatch(sql -> sql.contains("SECURITY DEFINER"));
    }

    /** A REVOKE from everybody and from an owner who may be gone, without that owner. */
    private static List<String> closed(List<String> step) {
        String sql = step.get(0);
        int from = sql.lastIndexOf(" FROM PUBLIC, ");
        return sql.startsWith("REVOKE ALL ") && from > 0 ? List.of(sql.substring(0, from) + " FROM PUBLIC") : List.of();
    }

    private static String words(Prerequisite object) {
        return object.kind() + " " + object.identity();
    }
}
