package io.backstop.snapshot.rows;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.snapshot.internal.session.CallerSession;

import java.sql.SQLException;

/** Says which values PostgreSQL itself can neither write out nor read again. */
final class Unwritable {
    /** program_limit_exceeded (PostgreSQL documentation, appendix A). */
    private static final String TOO_LONG = "54000";

    /** How the server answers in some places to the same, as an internal error, which is not translated (mcxt.c). */
    private static final String TOO_MUCH_MEMORY = "invalid memory alloc request size";

    private static final String HINT =
            "pg_dump cannot copy it either: make the value smaller, or the row, by a statement of your own";

    private Unwritable() {}

    /** Whether it may be about one value that is too long. */
    static boolean is(SQLException e) {
        return TOO_LONG.equals(e.getSQLState()) || CallerSession.reason(e).startsWith(TOO_MUCH_MEMORY);
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
