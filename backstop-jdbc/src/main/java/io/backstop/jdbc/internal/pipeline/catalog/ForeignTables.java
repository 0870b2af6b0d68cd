package io.backstop.jdbc.internal.pipeline.catalog;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds the foreign tables whose other side may run code, and the relations that reach them. A table that file_fdw reads from
 * a file, and not from a program, is none of these: only a superuser makes another function of this name in C. Stateless.
 */
public final class ForeignTables {
    /**
     * Rows of ({@code id}, {@code foreign_table}, {@code reads}): a foreign table, those whose partition or child it is, and
     * views over any of them; {@code reads} is false where only a rule for writes leads there.
     */
    static final String REACHING = """
            WITH RECURSIVE remote (id, foreign_table, reads) AS (
                SELECT ft.ftrelid, far.relname, true FROM pg_catalog.pg_foreign_table AS ft
                JOIN pg_catalog.pg_class AS far ON far.oid = ft.ftrelid
                JOIN pg_catalog.pg_foreign_server AS fs ON fs.oid = ft.ftserver
                JOIN pg_catalog.pg_foreign_data_wrapper AS fw ON fw.oid = fs.srvfdw
                LEFT JOIN pg_catalog.pg_proc AS handler ON handler.oid = fw.fdwhandler
                WHERE handler.oid IS NULL OR handler.prosrc <> 'file_fdw_handler' OR NOT handler.probin ~ '(^|/)file_fdw$'
                OR 'program' = ANY (SELECT pg_catalog.split_part(option.text, '=', 1)
                    FROM pg_catalog.unnest(pg_catalog.array_cat(ft.ftoptions, fs.srvoptions)) AS option (text))
                UNION
                SELECT next.id, remote.foreign_table, remote.reads AND next.reads FROM remote CROSS JOIN LATERAL (
                    SELECT child.inhparent AS id, true AS reads FROM pg_catalog.pg_inherits AS child
                    WHERE child.inhrelid = remote.id
                    UNION ALL SELECT rule.ev_class, rule.ev_type = '1' FROM pg_catalog.pg_depend AS use
                    JOIN pg_catalog.pg_rewrite AS rule ON rule.oid = use.objid
                    JOIN pg_catalog.pg_class AS ruled ON ruled.oid = rule.ev_class AND ruled.relkind <> 'm'
                    WHERE use.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                    AND use.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    AND use.refobjid = remote.id AND rule.ev_class <> remote.id
                ) AS next
            )""";

    private static final String RELATIONS = CatalogSql.qualified(REACHING + """
             SELECT remote.id, reaching.relname, pg_catalog.min(remote.foreign_table::pg_catalog.text),
                pg_catalog.bool_or(remote.reads), reaching.relkind = ANY ('{r,p}')
            FROM remote JOIN pg_catalog.pg_class AS reaching ON reaching.oid = remote.id
            GROUP BY remote.id, reaching.relname, reaching.relkind""");

    private ForeignTables() {}

    /**
     * What reaches a foreign table whose other side may run code.
     *
     * @param encoding the server's
     */
    public static List<Reaching> reaching(Connection connection, String encoding) throws SQLException {
        List<Reaching> reaching = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(CatalogSql.legible(RELATIONS, encoding, 5, 2, 3))) {
            while (rows.next()) {
                reaching.add(new Reaching(
                        rows.getLong(1), rows.getString(2), rows.getString(3), rows.getBoolean(4), rows.getBoolean(5)));
            }
        }
        return List.copyOf(reaching);
    }

    /**
     * A relation, and a foreign table that it reaches, which may be itself.
     *
     * @param name without the schema
     * @param reads whether that happens when it is read, and not only when it is written to
     * @param parent whether it is a plain or partitioned table
     */
    public record Reaching(long id, String name, String foreignTable, boolean reads, boolean parent) {}
}
