package io.backstop.jdbc.internal.pipeline.impact.plain;

import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogSql;
import io.backstop.jdbc.internal.pipeline.written.WrittenRows;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;

/**
 * A table of which the catalog proves that a plain write to it changes its own rows and nothing else. It is asked for after the
 * write, whose lock keeps everybody from adding what would have to be known: no trigger but the checks of foreign and unique
 * keys (whose functions have the same oids in every version), no rule, policy, child or partition, and no function, operator,
 * cast or type of the user's that the table or the text leads to. No other relation has a name of the text, in whatever schema:
 * a plan that was made before may mean another of them than the name does now. Above READ COMMITTED nothing is proved, because
 * the catalog would be seen as it was. A child that was attached and detached meanwhile, whose locks do not conflict with the
 * write's, leaves {@code relhassubclass} behind. One short query by the catalog's own indexes, however many tables there are.
 * The tables of its foreign keys, in both directions, are looked at too, because the checks read them. An operator or cast of
 * types that neither these tables have nor the text can make, as those of an extension, is not looked for: what it changed
 * would be among what the transaction has written.
 *
 * @param name with its schema
 * @param file the number of the file with its rows
 * @param transaction its number
 * @param written all that the transaction has changed so far
 */
public record PlainTable(
        long oid, RelationName name, boolean temporary, long file, Optional<String> transaction, WrittenRows written) {
    private static final String QUESTION = CatalogSql.qualified("""
            SELECT c.oid, n.nspname, c.relname,
                c.relpersistence = 't' AS temporary,
                coalesce(pg_catalog.pg_relation_filenode(c.oid), 0) AS file,
                pg_catalog.pg_current_xact_id_if_assigned() AS current, %s
            FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.oid = pg_catalog.to_regclass(?)::pg_catalog.oid
            AND c.oid >= USERS
            AND c.relkind = 'r' AND c.relam = '2'::pg_catalog.oid
            AND NOT c.relhassubclass AND NOT c.relispartition AND NOT c.relhasrules AND NOT c.relrowsecurity
            AND pg_catalog.current_setting('transaction_isolation') = 'read committed'
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS h WHERE h.inhrelid = c.oid)
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = c.oid
                AND NOT t.tgfoid = ANY ('{1250,1644,1645,1648,1649,1654,1655}'::pg_catalog.oid[]))
            AND NOT EXISTS (SELECT FROM (
                    SELECT c.oid AS id
                    UNION ALL SELECT t.tgconstrrelid FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = c.oid) AS related
                JOIN pg_catalog.pg_attribute AS a ON a.attrelid = related.id
                JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
                WHERE NOT a.attisdropped AND y.oid >= USERS AND y.typtype <> 'e')
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_cast AS k WHERE k.castfunc >= USERS
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_type AS y WHERE y.oid >= USERS
                    AND (y.oid = k.castsource OR y.oid = k.casttarget)
                    AND NOT y.typtype = ANY ('{e,p}'::pg_catalog."char"[])))
            AND NOT EXISTS (SELECT FROM (
                    SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid AS class, o.oid FROM pg_catalog.pg_constraint AS o
                        WHERE o.conrelid = c.oid
                    UNION ALL SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid, t.tgconstraint FROM pg_catalog.pg_trigger AS t
                        WHERE t.tgrelid = c.oid
                    UNION ALL SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid, f.oid FROM pg_catalog.pg_attrdef AS f
                        WHERE f.adrelid = c.oid
                    UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, i.indexrelid FROM pg_catalog.pg_index AS i
                        WHERE i.indrelid = c.oid) AS part
                JOIN pg_catalog.pg_depend AS d ON d.classid = part.class AND d.objid = part.oid
                LEFT JOIN pg_catalog.pg_type AS y ON d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
                    AND y.oid = d.refobjid
                WHERE d.refclassid = ANY (ARRAY['pg_catalog.pg_proc', 'pg_catalog.pg_operator',
                    'pg_catalog.pg_opclass', 'pg_catalog.pg_opfamily']::pg_catalog.regclass[]::pg_catalog.oid[])
                OR y.typtype <> 'e')
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc AS p WHERE p.proname = ANY (?::pg_catalog.name[])
                AND (p.oid >= USERS OR p.prolang <> '12'::pg_catalog.oid))
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_class AS r WHERE r.relname = ANY (?::pg_catalog.name[])
                AND r.oid <> c.oid AND r.relkind = ANY ('{r,p,v,m,f,c}'::pg_catalog."char"[]))
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_type AS y WHERE y.typname = ANY (?::pg_catalog.name[])
                AND y.oid >= USERS AND y.typrelid <> c.oid AND y.typtype <> 'e')
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_operator AS o WHERE o.oprname = ANY (?::pg_catalog.name[])
                AND o.oid >= USERS
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_type AS y WHERE y.oid >= USERS
                    AND (y.oid = o.oprleft OR y.oid = o.oprright)
                    AND NOT y.typtype = ANY ('{e,p}'::pg_catalog."char"[])))""");

    private static final String PROOF = QUESTION.formatted(WrittenRows.columns(true));
    private static final String EARLIER_PROOF = QUESTION.formatted(WrittenRows.columns(false));

    /** The table of the write; empty where it is not proved to be such a one. */
    public static Optional<PlainTable> proved(Connection connection, PlainWrite write) throws SQLException {
        String names = CatalogSql.array(write.names());
        try (PreparedStatement select =
                connection.prepareStatement(WrittenRows.flushes(connection) ? PROOF : EARLIER_PROOF)) {
            select.setString(1, write.table().quoted());
            select.setString(2, names);
            select.setString(3, names);
            select.setString(4, names);
            select.setString(5, CatalogSql.array(write.operators()));
            try (ResultSet row = select.executeQuery()) {
                if (!row.next()) {
                    return Optional.empty();
                }
                return Optional.of(new PlainTable(
                        row.getLong("oid"),
                        RelationName.of(row.getString("nspname"), row.getString("relname")),
                        row.getBoolean("temporary"),
                        row.getLong("file"),
                        Optional.ofNullable(row.getString("current")),
                        WrittenRows.of(row)));
            }
        }
    }
}
