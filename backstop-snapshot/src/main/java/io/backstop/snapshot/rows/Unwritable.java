package io.backstop.snapshot.rows;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.snapshot.internal.session.CallerSession;

import java.sql.SQLException;
import java.util.Set;

/** Says which values PostgreSQL itself can neither write out nor read again. */
final class Unwritable {
    /** What the server answers to a value that is too long to be written (PostgreSQL documentation, appendix A). */
    private static final Set<String> TOO_LONG = Set.of("54000", "XX000", "53200");

    private static final String HINT = "pg_dump cannot copy it either: have a statement of your own make the value "
            + "smaller, or the row, before this one is run again";

    private Unwritable() {}

    /** Whether it may be about one value that is too long. */
    static boolean is(SQLException e) {
        return TOO_LONG.contains(String.valueOf(e.getSQLState()));
    }

    static RecoveryNotReadyException value(RelationName table, ColumnWidth column, SQLException e) {
        return new RecoveryNotReadyException(
                "column " + column.name() + " of table " + table + " has a value that the server cannot write out: "
                        + CallerSession.reason(e),
                HINT,
                e);
    }

    static RecoveryNotReadyException row(RelationName table, ColumnWidth column) {
        return new RecoveryNotReadyException(
                "a row of table " + table + " is longer than the 1 GB that the server takes at once: column "
                        + column.name() + " does not fit into it any more",
                HINT);
    }
}
