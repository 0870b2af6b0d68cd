package io.backstop.snapshot.internal.reach;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.snapshot.internal.session.CallerSession;

import java.sql.SQLException;
import java.util.List;

/** Users' triggers on reached tables that may wait for the commit, and so run when nobody looks any more. */
public final class DeferredTriggers {
    /** A partition's copy of a trigger counts as internal before PostgreSQL 15; that of a foreign key is another kind. */
    private static final String DEFERRABLE = """
            SELECT t.tgname, n.nspname, c.relname
            FROM pg_catalog.pg_trigger t
            JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE t.tgrelid = ANY (%s) AND t.tgdeferrable AND t.tgenabled <> 'D'
              AND (NOT t.tgisinternal OR EXISTS (
                  SELECT FROM pg_catalog.pg_constraint k WHERE k.oid = t.tgconstraint AND k.contype = 't'))
            ORDER BY t.tgrelid, t.tgname LIMIT 1
            """;

    private DeferredTriggers() {}

    /** To be asked under lock: then none can be added. Tables that are only saved along have none that would run. */
    public static void refuse(CallerSession session, BlastRadius radius)
            throws SQLException, RecoveryNotReadyException {
        List<Long> written = radius.tables().values().stream()
                .filter(reached ->
                        reached.effect() != Effect.KEPT && !reached.effect().takesDefinitionsAlone())
                .map(reached -> reached.relation().oid())
                .toList();
        List<RecoveryNotReadyException> refusals = session.rows(
                DEFERRABLE.formatted(CallerSession.array(written)),
                row -> refusal(
                        row.getString("tgname"), RelationName.of(row.getString("nspname"), row.getString("relname"))));
        if (!refusals.isEmpty()) {
            throw refusals.get(0);
        }
    }

    private static RecoveryNotReadyException refusal(String trigger, RelationName table) {
        return new RecoveryNotReadyException(
                "trigger " + trigger + " of table " + table
                        + " may be deferred to the commit of a transaction that goes "
                        + "on after the statement, so what it destroys could not be seen",
                "run the statement by itself, outside of a transaction");
    }
}
