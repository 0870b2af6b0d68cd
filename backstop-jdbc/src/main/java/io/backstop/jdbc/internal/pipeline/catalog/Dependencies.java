package io.backstop.jdbc.internal.pipeline.catalog;

import io.backstop.jdbc.internal.analysis.detail.WordsOfText;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** Reads which names lead to which by what the catalog records; the bodies of functions it does not know. Stateless. */
public final class Dependencies {
    /** The user of what runs where a value is brought to another type without a word of the text. */
    public static final String CONVERSION = "a conversion";

    /** The user of what an operator class runs where values are compared, sorted or put into an index. */
    public static final String COMPARISON = "a comparison";

    /** The user of what event triggers run. */
    public static final String EVENT = "an event trigger";

    private static final String NAMES = CatalogSql.qualified("""
            WITH named (class, id, name, reads) AS (
                SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid, r.oid, c.relname, r.ev_type = '1'
                FROM pg_catalog.pg_rewrite AS r JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class WHERE r.oid >= USERS
                UNION ALL SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, y.oid, c.relname, y.polcmd = ANY ('{r,*}')
                FROM pg_catalog.pg_policy AS y JOIN pg_catalog.pg_class AS c ON c.oid = y.polrelid
                UNION ALL SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, a.oid, c.relname, false
                FROM pg_catalog.pg_attrdef AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.adrelid
                UNION ALL SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid, c.relname, false
                FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid WHERE k.contype <> 'f'
                UNION ALL SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid, t.typname, true
                FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_type AS t ON t.oid = k.contypid
                UNION ALL SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, g.oid, c.relname, false
                FROM pg_catalog.pg_trigger AS g JOIN pg_catalog.pg_class AS c ON c.oid = g.tgrelid
                WHERE NOT g.tgisinternal AND g.tgenabled <> 'D'
                UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid, c.relname, false
                FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid
                WHERE i.indexrelid >= USERS AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
                UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, c.relname, c.relkind = ANY ('{v,c}')
                FROM pg_catalog.pg_class AS c WHERE c.oid >= USERS AND c.relkind = ANY ('{r,p,f,v,m,c}')
                UNION ALL SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, p.proname, true
                FROM pg_catalog.pg_proc AS p WHERE p.oid >= USERS
                UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, t.typname, true
                FROM pg_catalog.pg_type AS t WHERE t.oid >= USERS
                UNION ALL SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid, o.oprname, true
                FROM pg_catalog.pg_operator AS o WHERE o.oid >= USERS
                UNION ALL SELECT 'pg_catalog.pg_cast'::pg_catalog.regclass, k.oid, 'CAST', true
                FROM pg_catalog.pg_cast AS k WHERE k.oid >= USERS
                UNION ALL SELECT 'pg_catalog.pg_cast'::pg_catalog.regclass, k.oid, 'CONVERSION', true
                FROM pg_catalog.pg_cast AS k WHERE k.oid >= USERS AND k.castcontext <> 'e'
            )
            SELECT u.name, used.name, pg_catalog.bool_or(u.reads) FROM named AS u
            JOIN pg_catalog.pg_depend AS d ON d.classid = u.class AND d.objid = u.id
            JOIN named AS used ON used.class = d.refclassid AND used.id = d.refobjid AND used.name <> u.name
            AND NOT (u.class = used.class AND u.class = 'pg_catalog.pg_class'::pg_catalog.regclass)
            AND used.class = ANY ('{pg_catalog.pg_proc,pg_catalog.pg_class,pg_catalog.pg_type,
                pg_catalog.pg_operator}'::pg_catalog.regclass[]::pg_catalog.oid[])
            GROUP BY u.name, used.name
            UNION ALL SELECT s.oprname, instead.oprname, true FROM pg_catalog.pg_operator AS s
            JOIN pg_catalog.pg_operator AS instead ON instead.oid = s.oprnegate OR instead.oid = s.oprcom
            WHERE instead.oid >= USERS AND instead.oprname <> s.oprname
            UNION ALL SELECT parent.relname, child.relname, false FROM pg_catalog.pg_constraint AS k
            JOIN pg_catalog.pg_class AS parent ON parent.oid = k.confrelid
            JOIN pg_catalog.pg_class AS child ON child.oid = k.conrelid
            WHERE k.contype = 'f' AND (k.confdeltype = ANY ('{c,n,d}') OR k.confupdtype = ANY ('{c,n,d}'))
            UNION ALL SELECT parent.relname, child.relname, false FROM pg_catalog.pg_inherits AS h
            JOIN pg_catalog.pg_class AS parent ON parent.oid = h.inhparent
            JOIN pg_catalog.pg_class AS child ON child.oid = h.inhrelid
            UNION ALL SELECT 'COMPARISON', p.proname, true FROM pg_catalog.pg_amproc AS m
            JOIN pg_catalog.pg_proc AS p ON p.oid = m.amproc WHERE p.oid >= USERS
            UNION ALL SELECT 'COMPARISON', p.proname, true FROM pg_catalog.pg_amop AS m
            JOIN pg_catalog.pg_operator AS o ON o.oid = m.amopopr
            JOIN pg_catalog.pg_proc AS p ON p.oid = o.oprcode WHERE p.oid >= USERS
            UNION ALL SELECT 'EVENT', p.proname, true FROM pg_catalog.pg_event_trigger AS e
            JOIN pg_catalog.pg_proc AS p ON p.oid = e.evtfoid WHERE e.evtenabled <> 'D'""")
            .replace("'CAST'", "'" + WordsOfText.CAST + "'")
            .replace("'CONVERSION'", "'" + CONVERSION + "'")
            .replace("'COMPARISON'", "'" + COMPARISON + "'")
            .replace("'EVENT'", "'" + EVENT + "'");

    private Dependencies() {}

    /**
     * All of them.
     *
     * @param encoding the server's
     */
    public static List<Dependency> of(Connection connection, String encoding) throws SQLException {
        List<Dependency> dependencies = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(CatalogSql.legible(NAMES, encoding, 3, 1, 2))) {
            while (rows.next()) {
                dependencies.add(new Dependency(rows.getString(1), rows.getString(2), rows.getBoolean(3)));
            }
        }
        return List.copyOf(dependencies);
    }

    /**
     * That whoever uses one name uses another: a view, a table with a policy, a default or a trigger, a function, a type, an
     * operator, a cast ({@link WordsOfText#CAST}), a conversion without one, a comparison, or a command that defines something; a
     * table to which a foreign key passes changes on, or which is a partition or a child.
     *
     * @param whenRead whether that happens by reading or calling it, and not only by writing to it
     */
    public record Dependency(String user, String used, boolean whenRead) {}
}
