package io.backstop.snapshot.internal.session;

import java.sql.SQLException;
import java.util.List;

/**
 * What a session is set to while rows are read, so that the same rows always give the same text and none is left out in
 * silence. Set for the transaction, within a savepoint whose rollback gives the session its own settings back.
 */
public final class CaptureSettings {
    private static final List<String> SETTINGS = List.of(
            // Rather an error than rows that a policy hides.
            "row_security = off",
            "search_path = pg_catalog, pg_temp",
            "datestyle = 'ISO, YMD'",
            "intervalstyle = 'postgres'",
            "timezone = 'UTC'",
            "extra_float_digits = 3",
            "bytea_output = 'hex'",
            "lc_monetary = 'C'",
            "quote_all_identifiers = off",
            "standard_conforming_strings = on",
            "client_encoding = 'UTF8'",
            // In the order of the pages, as indexes on the order of rows want it after a restore; and only the pages
            // asked for.
            "synchronize_seqscans = off",
            "enable_tidscan = on",
            // The copy takes as long as the table is large, and an upload may keep the session waiting.
            "statement_timeout = 0",
            "idle_in_transaction_session_timeout = 0");

    /** It came with version 17. */
    private static final String TRANSACTION_TIMEOUT = "; SET LOCAL transaction_timeout = 0";

    private CaptureSettings() {}

    public static void apply(CallerSession session) throws SQLException {
        boolean known = session.connection().getMetaData().getDatabaseMajorVersion() >= 17;
        session.execute("SET LOCAL " + String.join("; SET LOCAL ", SETTINGS) + (known ? TRANSACTION_TIMEOUT : ""));
    }
}
