package io.backstop.jdbc.internal.pipeline.written;

/**
 * The question whether code of the user's may wait for the commit: a deferrable trigger of the user's, or one of the server's
 * own for a constraint that runs such code when it looks again. That of a unique or exclusion constraint evaluates the
 * expressions and the predicate of its index; that of a foreign key plans a query of both tables, for which the server
 * evaluates what is constant in their indexes, constraints, statistics and partition keys. Both compare, by operator classes
 * that may be the user's, and foreign keys convert by implicit casts. Functions in C of extensions do not count. Stateless.
 */
public final class DeferredCode {
    /** A condition. */
    public static final String MAY_WAIT = """
            (WITH code (id) AS (
                    SELECT p.oid FROM pg_catalog.pg_proc AS p WHERE p.oid >= USERS
                    AND (NOT p.prolang = ANY ('{12,13}'::pg_catalog.oid[]) OR NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS e
                        WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid
                        AND e.objid = p.oid AND e.deptype = 'e'))),
                operating (id) AS (
                    SELECT o.oid FROM code JOIN pg_catalog.pg_operator AS o ON o.oprcode::pg_catalog.oid = code.id),
                used (class, id) AS (
                    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, id FROM code
                    UNION ALL SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, id FROM operating)
            SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger AS t WHERE t.tgdeferrable AND (t.tgfoid >= USERS
                    OR t.tgfoid = RECHECK AND EXISTS (SELECT FROM pg_catalog.pg_index AS i
                        WHERE i.indexrelid = t.tgconstrindid AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL))))
                OR (EXISTS (SELECT FROM pg_catalog.pg_amproc AS m
                        WHERE m.oid >= USERS AND (m.amproc::pg_catalog.oid = ANY (SELECT id FROM code)) IS TRUE)
                    OR EXISTS (SELECT FROM pg_catalog.pg_amop AS m
                        WHERE m.oid >= USERS AND (m.amopopr = ANY (SELECT id FROM operating)) IS TRUE)
                    OR EXISTS (SELECT FROM pg_catalog.pg_cast AS k WHERE k.oid >= USERS AND k.castcontext = 'i'
                        AND (k.castmethod = 'i' OR k.castfunc = ANY (SELECT id FROM code))))
                    AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS t WHERE t.tgdeferrable)
                OR EXISTS (SELECT FROM used
                    JOIN pg_catalog.pg_depend AS d ON d.refclassid = used.class AND d.refobjid = used.id
                    LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = d.objid
                        AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
                    LEFT JOIN pg_catalog.pg_constraint AS k ON k.oid = d.objid
                        AND d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid
                    LEFT JOIN pg_catalog.pg_statistic_ext AS s ON s.oid = d.objid
                        AND d.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass::pg_catalog.oid
                    JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = coalesce(i.indrelid, k.conrelid, s.stxrelid, d.objid)
                    JOIN pg_catalog.pg_trigger AS waits ON waits.tgconstraint = t.tgconstraint AND waits.tgdeferrable
                    WHERE d.classid = ANY ('{pg_catalog.pg_class,pg_catalog.pg_constraint,pg_catalog.pg_statistic_ext}'
                        ::pg_catalog.regclass[]::pg_catalog.oid[])))""".replace("USERS", "'16384'::pg_catalog.oid")
            .replace("RECHECK", "'1250'::pg_catalog.oid") // unique_key_recheck, in every version
            .replace(" = ", " OPERATOR(pg_catalog.=) ")
            .replace(" >= ", " OPERATOR(pg_catalog.>=) ")
            .replace('\n', ' ');

    private DeferredCode() {}
}
