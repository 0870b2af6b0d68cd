package io.backstop.jdbc.internal.pipeline.session;

import io.backstop.jdbc.internal.analysis.rule.SettingRules;
import org.jspecify.annotations.Nullable;
import org.postgresql.core.TransactionState;
import org.postgresql.jdbc.PgConnection;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * What it means that a caller told JDBC to read only: that pgjdbc's transactions begin so ({@code readOnlyMode=transaction}),
 * the session's too ({@code always}), or nothing ({@code ignore}). pgjdbc says of these the last alone; between the others,
 * what it sends tells. Used within the session's turn.
 */
final class DriverReadOnlyMode {
    private final PgConnection postgres;

    /** Null until it was seen. */
    private @Nullable Boolean always;

    DriverReadOnlyMode(PgConnection postgres) {
        this.postgres = postgres;
    }

    /** Finds out once, and only where it matters, what pgjdbc sends when the mode is switched. */
    void watch() throws SQLException {
        if (always != null
                || !postgres.hintReadOnly()
                || !postgres.getAutoCommit()
                || postgres.getTransactionState() != TransactionState.IDLE) {
            return;
        }
        boolean before = isDefaultOn();
        postgres.setReadOnly(false);
        try {
            always = before && !isDefaultOn();
        } finally {
            postgres.setReadOnly(true);
        }
    }

    /** The server is asked before version 14, which does not report it. */
    private boolean isDefaultOn() throws SQLException {
        String reported = postgres.getParameterStatus(SettingRules.DEFAULT_READ_ONLY);
        if (reported != null) {
            return reported.equals("on");
        }
        try (Statement statement = postgres.createStatement();
                ResultSet row = statement.executeQuery("SHOW " + SettingRules.DEFAULT_READ_ONLY)) {
            row.next();
            return row.getBoolean(1);
        }
    }

    /** Whether the caller only reads, and pgjdbc keeps the session read-only for that while it commits automatically. */
    boolean setsSession() {
        return postgres.hintReadOnly() && always != null && always;
    }

    /** Whether what is sent outside the transactions that pgjdbc begins is read-only. */
    boolean readOnlyOutsideTransactions() throws SQLException {
        return setsSession() && postgres.getAutoCommit();
    }

    /** Whether what is sent next begins a transaction as read-only. */
    boolean beginsReadOnly() throws SQLException {
        return postgres.hintReadOnly() && !postgres.getAutoCommit();
    }
}
