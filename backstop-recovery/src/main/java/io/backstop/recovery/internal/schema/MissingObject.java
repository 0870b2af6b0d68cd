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
 * or may not be given rights by this one, it is made without. Stateless.
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
        transaction.attempt(object.sql().stream().filter(sql -> !isRight(sql)).toList());
        List<String> lacking = new ArrayList<>();
        for (String right : object.sql().stream().filter(MissingObject::isRight).toList()) {
            try {
                transaction.attempt(right);
            } catch (SQLException e) {
                lacking.add(words(object) + " was made without one of its rights: " + ServerErrors.sentence(e));
            }
        }
        return lacking;
    }

    /** Writes what makes it. */
    public static void write(SqlScript script, Prerequisite object) {
        for (String sql : object.sql()) {
            if (isRight(sql)) {
                script.attempt("a right on " + words(object), List.of(sql));
            } else {
                script.run(sql);
            }
        }
    }

    static boolean isRight(String sql) {
        return sql.startsWith("GRANT ")
                || sql.startsWith("REVOKE ")
                || (sql.startsWith("ALTER ") && sql.contains(" OWNER TO "));
    }

    private static String words(Prerequisite object) {
        return object.kind() + " " + object.identity();
    }
}
