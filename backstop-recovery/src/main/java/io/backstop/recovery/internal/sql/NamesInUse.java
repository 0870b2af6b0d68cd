package io.backstop.recovery.internal.sql;

import java.sql.SQLException;
import java.util.Set;

/** The names of relations and types of a schema: they share one space for tables (PostgreSQL documentation, 52.11). */
public final class NamesInUse {
    private NamesInUse() {}

    public static Set<String> of(RecoveryTransaction transaction, String schema) throws SQLException {
        return Set.copyOf(transaction.strings(
                "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = ? "
                        + "UNION SELECT typname FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace "
                        + "WHERE nspname = ?",
                schema,
                schema));
    }
}
