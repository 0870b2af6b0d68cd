package io.backstop.snapshot.internal.reach;

import io.backstop.snapshot.internal.session.CallerSession;

import java.sql.SQLException;
import java.util.Collection;

/**
 * Whether the rows of ordinary writes to a table can be locked before the statement, and undone by what is stored of them.
 * A trigger that runs before the statement may be there to put writers in order: who locks rows before it waits for them the
 * other way round. What a deferred trigger makes of a row at the commit is seen by nobody. Stateless.
 */
public final class CoverableTable {
    /** Bits of {@code pg_trigger.tgtype} (PostgreSQL's source, catalog/pg_trigger.h). */
    private static final int INSERT = 4;

    private static final int DELETE = 8;
    private static final int UPDATE = 16;

    /** {@code %1$s} are the table, its partitions and children, {@code %2$s} whether rows are locked before, {@code %3$d} events. */
    private static final String COVERABLE = """
            SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = ANY (%1$s) AND t.tgenabled IN ('O', 'A')
                AND NOT t.tgisinternal AND (t.tgtype & %3$d) <> 0 AND ((%2$s AND (t.tgtype & 1) = 0 AND (t.tgtype & 2) = 2) OR t.tgdeferrable))
            AND EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = ANY (%1$s) AND a.attnum > 0
                AND NOT a.attisdropped)
            """;

    /** A key by which each row is told from all others. */
    private static final String KEYED = """
            SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = ANY (%1$s) AND c.relkind = 'r' AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid
                AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
                AND NOT EXISTS (SELECT FROM pg_catalog.unnest((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1]) k
                    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k WHERE NOT a.attnotnull)))
            """;

    private CoverableTable() {}

    /** For a statement whose rows are locked before it runs; an upsert and a MERGE insert, too. */
    static boolean canBeLocked(CallerSession session, Collection<Long> tree, boolean updates) throws SQLException {
        return isCoverable(session, tree, true, INSERT | (updates ? UPDATE : DELETE));
    }

    /** For one that makes rows. */
    static boolean canBeMade(CallerSession session, Collection<Long> tree) throws SQLException {
        return isCoverable(session, tree, false, INSERT);
    }

    private static boolean isCoverable(CallerSession session, Collection<Long> tree, boolean locks, int events)
            throws SQLException {
        return session.value(COVERABLE.formatted(CallerSession.array(tree), locks, events))
                .equals("t");
    }

    /** For one that makes rows and changes others: without a key these cannot be told from each other afterwards. */
    static boolean isKeyed(CallerSession session, Collection<Long> tree) throws SQLException {
        return session.value(KEYED.formatted(CallerSession.array(tree))).equals("t");
    }
}
