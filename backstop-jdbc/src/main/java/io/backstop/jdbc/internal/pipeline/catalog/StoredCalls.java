package io.backstop.jdbc.internal.pipeline.catalog;

import io.backstop.jdbc.internal.analysis.detail.WordsOfText;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * Finds what calls functions of PostgreSQL's own by an expression that is stored, or is built on one: the catalog records no
 * dependency on what the server cannot be without. Expressions hold the oids of the functions that they call (PostgreSQL's
 * nodes/primnodes.h); parsed bodies of functions are not read here. Stateless.
 */
public final class StoredCalls {
    private static final String CALLS = CatalogSql.qualified("""
            WITH sought (id, name, code) AS (
                SELECT p.oid, p.proname, p.prosrc FROM pg_catalog.pg_proc AS p
                WHERE p.oid < USERS AND p.proname = ANY (?::pg_catalog.name[])
            ), stored (name, reads, expression) AS (
                SELECT c.relname, r.ev_type = '1', pg_catalog.concat(r.ev_qual::pg_catalog.text, r.ev_action::pg_catalog.text)
                FROM pg_catalog.pg_rewrite AS r JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class WHERE r.oid >= USERS
                UNION ALL SELECT c.relname, false, a.adbin::pg_catalog.text
                FROM pg_catalog.pg_attrdef AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.adrelid
                UNION ALL SELECT coalesce(c.relname, t.typname), t.oid IS NOT NULL, k.conbin::pg_catalog.text
                FROM pg_catalog.pg_constraint AS k LEFT JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
                LEFT JOIN pg_catalog.pg_type AS t ON t.oid = k.contypid WHERE k.oid >= USERS AND k.conbin IS NOT NULL
                UNION ALL SELECT t.typname, true, t.typdefaultbin::pg_catalog.text
                FROM pg_catalog.pg_type AS t WHERE t.oid >= USERS AND t.typdefaultbin IS NOT NULL
                UNION ALL SELECT c.relname, y.polcmd = ANY ('{r,*}'),
                    pg_catalog.concat(y.polqual::pg_catalog.text, y.polwithcheck::pg_catalog.text)
                FROM pg_catalog.pg_policy AS y JOIN pg_catalog.pg_class AS c ON c.oid = y.polrelid
                UNION ALL SELECT c.relname, false, g.tgqual::pg_catalog.text
                FROM pg_catalog.pg_trigger AS g JOIN pg_catalog.pg_class AS c ON c.oid = g.tgrelid
                WHERE g.tgqual IS NOT NULL AND g.tgenabled <> 'D'
                UNION ALL SELECT c.relname, false, pg_catalog.concat(i.indexprs::pg_catalog.text, i.indpred::pg_catalog.text)
                FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid
                WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
                UNION ALL SELECT c.relname, false, q.partexprs::pg_catalog.text
                FROM pg_catalog.pg_partitioned_table AS q JOIN pg_catalog.pg_class AS c ON c.oid = q.partrelid
                WHERE q.partexprs IS NOT NULL
                UNION ALL SELECT p.proname, true, p.proargdefaults::pg_catalog.text
                FROM pg_catalog.pg_proc AS p WHERE p.oid >= USERS AND p.proargdefaults IS NOT NULL
            ), calls (name, reads, called) AS (
                SELECT stored.name, stored.reads, pg_catalog.split_part(rest, ' ', 1)
                FROM stored, pg_catalog.unnest(pg_catalog.string_to_array(stored.expression, 'funcid ')) AS rest
                UNION ALL SELECT o.oprname, true, o.oprcode::pg_catalog.oid::pg_catalog.text
                FROM pg_catalog.pg_operator AS o WHERE o.oid >= USERS
                UNION ALL SELECT p.proname, true, part::pg_catalog.text
                FROM pg_catalog.pg_aggregate AS a JOIN pg_catalog.pg_proc AS p ON p.oid = a.aggfnoid::pg_catalog.oid
                CROSS JOIN pg_catalog.unnest(ARRAY[a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn,
                    a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn]::pg_catalog.oid[]) AS part
                WHERE p.oid >= USERS
                UNION ALL SELECT 'CAST', true, k.castfunc::pg_catalog.text FROM pg_catalog.pg_cast AS k WHERE k.oid >= USERS
                UNION ALL SELECT 'CONVERSION', true, k.castfunc::pg_catalog.text
                FROM pg_catalog.pg_cast AS k WHERE k.oid >= USERS AND k.castcontext <> 'e'
                UNION ALL SELECT t.typname, true, part::pg_catalog.text
                FROM pg_catalog.pg_range AS r JOIN pg_catalog.pg_type AS t ON t.oid = r.rngtypid
                CROSS JOIN pg_catalog.unnest(ARRAY[r.rngsubdiff, r.rngcanonical]::pg_catalog.oid[]) AS part WHERE t.oid >= USERS
                UNION ALL SELECT 'COMPARISON', true, m.amproc::pg_catalog.oid::pg_catalog.text
                FROM pg_catalog.pg_amproc AS m WHERE m.oid >= USERS
                UNION ALL SELECT 'COMPARISON', true, o.oprcode::pg_catalog.oid::pg_catalog.text
                FROM pg_catalog.pg_amop AS m JOIN pg_catalog.pg_operator AS o ON o.oid = m.amopopr WHERE m.oid >= USERS
                UNION ALL SELECT p.proname, true, sought.id::pg_catalog.text
                FROM sought JOIN pg_catalog.pg_proc AS p ON p.prosrc = sought.code
                WHERE p.oid >= USERS AND p.prolang = '12'::pg_catalog.oid
            )
            SELECT calls.name, sought.name, pg_catalog.bool_or(calls.reads)
            FROM calls JOIN sought ON sought.id::pg_catalog.text = calls.called GROUP BY calls.name, sought.name""")
            .replace("'CAST'", "'" + WordsOfText.CAST + "'")
            .replace("'CONVERSION'", "'" + Dependencies.CONVERSION + "'")
            .replace("'COMPARISON'", "'" + Dependencies.COMPARISON + "'");

    private StoredCalls() {}

    /**
     * What calls functions of these names.
     *
     * @param encoding the server's
     */
    public static List<Call> of(Connection connection, String encoding, Collection<String> functions)
            throws SQLException {
        List<Call> calls = new ArrayList<>();
        try (PreparedStatement select = connection.prepareStatement(CatalogSql.legible(CALLS, encoding, 3, 1))) {
            select.setString(1, CatalogSql.array(functions));
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    calls.add(new Call(rows.getString(1), rows.getString(2), rows.getBoolean(3)));
                }
            }
        }
        return List.copyOf(calls);
    }

    /**
     * That a name leads to a function of PostgreSQL's own.
     *
     * @param user as in {@link Dependencies.Dependency}
     * @param whenRead whether that happens by reading or calling it, and not only by writing to it
     */
    public record Call(String user, String function, boolean whenRead) {}
}
