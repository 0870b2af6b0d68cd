package io.backstop.snapshot.internal.loss;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.snapshot.internal.session.CallerSession;

import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;

/**
 * Compares how many definitions a DROP … CASCADE removed with how many were known to go. Functions and types cannot be locked,
 * so another session may make something that depends on one until the moment in which it is dropped; the server's counters
 * tell that more went, for rows of the system catalog are counted as others are.
 */
public final class DefinitionLossCheck {
    private static final String DELETED = """
            SELECT c, coalesce(pg_catalog.pg_stat_get_xact_tuples_deleted(c), 0) FROM pg_catalog.unnest(ARRAY[
                'pg_catalog.pg_attrdef', 'pg_catalog.pg_class', 'pg_catalog.pg_constraint', 'pg_catalog.pg_policy',
                'pg_catalog.pg_proc', 'pg_catalog.pg_rewrite', 'pg_catalog.pg_statistic_ext', 'pg_catalog.pg_trigger',
                'pg_catalog.pg_type']::pg_catalog.regclass[]::pg_catalog.oid[]) c
            """;

    private final CallerSession session;
    private final Known known;
    private final Map<Long, Long> knownBefore;
    private final Map<Long, Long> before;

    private DefinitionLossCheck(
            CallerSession session, Known known, Map<Long, Long> knownBefore, Map<Long, Long> before) {
        this.session = session;
        this.known = known;
        this.knownBefore = Map.copyOf(knownBefore);
        this.before = before;
    }

    /** @param known is asked before the statement, and again after it: of several functions of a name, some may stay */
    public static DefinitionLossCheck expect(CallerSession session, Known known) throws SQLException {
        return new DefinitionLossCheck(session, known, known.counts(), deleted(session));
    }

    /** Counts the objects that may go and are there, by the oid of their catalog. */
    @FunctionalInterface
    public interface Known {
        Map<Long, Long> counts() throws SQLException;
    }

    /** @throws RecoveryNotReadyException where more went */
    public void confirm() throws SQLException, RecoveryNotReadyException {
        Map<Long, Long> left = known.counts();
        for (Map.Entry<Long, Long> catalog : deleted(session).entrySet()) {
            long deleted = catalog.getValue() - before.getOrDefault(catalog.getKey(), 0L);
            long expected = knownBefore.getOrDefault(catalog.getKey(), 0L) - left.getOrDefault(catalog.getKey(), 0L);
            if (deleted > expected) {
                throw new RecoveryNotReadyException(
                        "more went with what the statement drops than was stored: somebody made something that depends on"
                                + " it meanwhile",
                        "send it again");
            }
        }
    }

    private static Map<Long, Long> deleted(CallerSession session) throws SQLException {
        Map<Long, Long> deleted = new HashMap<>();
        session.rows(DELETED, row -> deleted.put(row.getLong(1), row.getLong(2)));
        return deleted;
    }
}
