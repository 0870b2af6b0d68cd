package io.backstop.snapshot.internal.copy;

import io.backstop.snapshot.archive.CopyFormat;
import io.backstop.snapshot.internal.session.CallerSession;

import java.sql.SQLException;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;

/**
 * Finds out which tables can be read in binary. A value's binary form has to mean the same in a database in which the
 * table, and every type that is not PostgreSQL's own, was made again and has another oid. That leaves out the types of
 * object names, which are sent as oids; composites, and arrays of others than PostgreSQL's own types, which tell their
 * parts' types by oid; XML, whose encoding declaration would change; {@code tsquery}, {@code int2vector} and {@code
 * oidvector}, whose binary input refuses the empty value that their output writes; and the types of extensions, which may
 * send anything.
 */
public final class BinaryColumns {
    private static final String OTHERS = """
            WITH RECURSIVE own(oid) AS (
                SELECT oid FROM pg_catalog.pg_type
                WHERE typnamespace = 'pg_catalog'::pg_catalog.regnamespace AND typname = ANY ('{
                    bool, bytea, char, name, int8, int2, int4, text, oid, json, jsonb, jsonpath, point, lseg, path, box,
                    polygon, line, circle, cidr, inet, macaddr, macaddr8, float4, float8, money, bpchar, varchar, date,
                    time, timetz, timestamp, timestamptz, interval, bit, varbit, numeric, uuid, tsvector,
                    pg_lsn, tid, xid, xid8, cid, pg_snapshot, txid_snapshot}')
            ), used(relation, type) AS (
                SELECT attrelid, atttypid FROM pg_catalog.pg_attribute
                WHERE attrelid = ANY (%s) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
                UNION
                SELECT u.relation, n.type FROM used u JOIN pg_catalog.pg_type t ON t.oid = u.type CROSS JOIN LATERAL (
                    SELECT t.typbasetype AS type WHERE t.typtype = 'd'
                    UNION ALL
                    SELECT r.rngsubtype FROM pg_catalog.pg_range r
                    WHERE (t.typtype = 'r' AND r.rngtypid = t.oid) OR (t.typtype = 'm' AND r.rngmultitypid = t.oid)) n
            )
            SELECT DISTINCT u.relation FROM used u JOIN pg_catalog.pg_type t ON t.oid = u.type
            WHERE t.typtype NOT IN ('d', 'e', 'm', 'r') AND t.oid NOT IN (SELECT oid FROM own)
              AND NOT (t.typcategory = 'A' AND t.typelem IN (SELECT oid FROM own)
                       AND t.oid NOT IN ('pg_catalog.int2vector'::pg_catalog.regtype,
                                         'pg_catalog.oidvector'::pg_catalog.regtype))
            """;

    private final String encoding;
    private final Set<Long> others;

    private BinaryColumns(String encoding, Set<Long> others) {
        this.encoding = encoding;
        this.others = others;
    }

    public static BinaryColumns of(CallerSession session, Collection<Long> tables) throws SQLException {
        return new BinaryColumns(
                session.value("SHOW server_encoding"),
                new HashSet<>(session.rows(OTHERS.formatted(CallerSession.array(tables)), row -> row.getLong(1))));
    }

    /** The database's encoding, in which text is read, so that none is converted and all can be read. */
    public String encoding() {
        return encoding;
    }

    /** Binary text comes in the session's encoding, which pgjdbc wants to be UTF8. */
    public CopyFormat format(long table) {
        return encoding.equals("UTF8") && !others.contains(table) ? CopyFormat.BINARY : CopyFormat.TEXT;
    }
}
