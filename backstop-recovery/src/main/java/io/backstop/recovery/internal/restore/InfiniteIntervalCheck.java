package io.backstop.recovery.internal.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.snapshot.archive.CopyFormat;

import java.sql.SQLException;

/**
 * Refuses intervals whose binary form means something else to the server that they are restored into. From PostgreSQL 17
 * on the longest one stands for infinity (release notes of 17, E.4); servers before take it for a number of years, without
 * a word, and a checksum over binary rows cannot tell. No other type's binary form changed from 14 to 18. Stateless.
 */
public final class InfiniteIntervalCheck {
    private static final int INFINITE_FROM = 17;

    /** Also within domains, arrays and ranges. */
    private static final String COLUMNS = """
            WITH RECURSIVE used(name, type) AS (
                SELECT attname, atttypid FROM pg_attribute
                WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
                UNION
                SELECT u.name, n.type FROM used u JOIN pg_type t ON t.oid = u.type CROSS JOIN LATERAL (
                    SELECT t.typbasetype AS type WHERE t.typtype = 'd'
                    UNION ALL SELECT t.typelem WHERE t.typcategory = 'A'
                    UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)) n)
            SELECT DISTINCT name FROM used WHERE type = 'interval'::regtype ORDER BY 1
            """;

    /**
     * Looks for the longest interval in either direction, by its binary form: a server before 15 cannot write all of them
     * as text. As a part of a record every type has such a form.
     */
    private static final String LONGEST = "EXISTS (SELECT FROM ONLY %s t WHERE "
            + "position('\\x7fffffffffffffff7fffffff7fffffff'::bytea IN record_send(ROW(t.%2$s))) > 0 OR "
            + "position('\\x80000000000000008000000080000000'::bytea IN record_send(ROW(t.%2$s))) > 0)";

    private InfiniteIntervalCheck() {}

    /**
     * @param table where the rows are loaded
     * @param target the name that it is to have, for messages
     * @throws RecoveryException naming a column with such a value
     */
    public static void refuseOtherMeaning(
            RecoveryTransaction transaction, SnapshotManifest manifest, RelationName table, RelationName target)
            throws SQLException, RecoveryException {
        boolean wereInfinite = isAtLeast(manifest.serverVersion());
        boolean areInfinite =
                isAtLeast(transaction.strings("SHOW server_version").get(0));
        if (CopyFormat.of(manifest) == CopyFormat.TEXT || wereInfinite == areInfinite) {
            return;
        }
        for (String column : transaction.strings(COLUMNS, table.quoted())) {
            if (transaction.holds(LONGEST.formatted(table.quoted(), RelationName.quote(column)))) {
                throw new RecoveryException(
                        "snapshot " + manifest.snapshotId() + " of server version " + manifest.serverVersion()
                                + " holds intervals in column " + column + " that would mean something else in "
                                + target
                                + ": the longest one is infinity from version 17 on, and not before",
                        otherServer(manifest));
            }
        }
    }

    private static boolean isAtLeast(String serverVersion) {
        return Integer.parseInt(serverVersion.split("\\D", 2)[0]) >= INFINITE_FROM;
    }

    /** What to do where this server cannot take the rows as they are stored. */
    static String otherServer(SnapshotManifest manifest) {
        return "the rows are stored in the binary form of server version " + manifest.serverVersion()
                + ", with text in UTF8: restore into such a server, and take from there a snapshot that is text "
                + "(backstop snapshots create --format text); nothing was kept";
    }
}
