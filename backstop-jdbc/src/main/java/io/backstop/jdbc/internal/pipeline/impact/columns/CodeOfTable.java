package io.backstop.jdbc.internal.pipeline.impact.columns;

import io.backstop.api.internal.postgres.InheritanceTree;
import io.backstop.jdbc.internal.analysis.detail.WordsOfText;
import io.backstop.jdbc.internal.analysis.rule.FunctionRules;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogSql;
import io.backstop.jdbc.policy.PolicyNames;
import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The code that writes to tables set off, as it is at one moment: by all events, since a write of a partition's column may be a
 * DELETE and an INSERT to the server, and an UPDATE of triggers' own. Immutable.
 */
record CodeOfTable(Set<Piece> pieces) {
    /**
     * With the body where it can be read; a condition may call anything. The server plans queries of its own on the tables at the
     * other end of foreign keys, and evaluates for that what their indexes, constraints, statistics and partition keys are made
     * of, those of the partitioned tables above them too. A function in C (13) or of the server itself (12) is no code of an
     * agent's, unless a constraint calls it, which may be any.
     */
    private static final String CODE = CatalogSql.qualified("""
            SELECT 'TRIGGER', NULL, CASE WHEN l.lanname = 'plpgsql' AND t.tgqual IS NULL THEN p.prosrc END,
            pg_catalog.concat(t.oid, ' ', t.xmin, ' ', p.oid, ' ', p.xmin)
            FROM pg_catalog.pg_trigger AS t
            JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
            JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
            WHERE t.tgrelid = ANY (?::pg_catalog.oid[]) AND NOT t.tgisinternal AND t.tgenabled <> 'D'
            UNION ALL SELECT 'RULE', NULL, NULL, '' FROM pg_catalog.pg_class AS c
            WHERE c.oid = ANY (?::pg_catalog.oid[]) AND c.relhasrules
            UNION ALL SELECT CASE WHEN a.attgenerated = '' THEN 'DEFAULT' ELSE 'GENERATED' END, a.attname,
            pg_catalog.pg_get_expr(d.adbin, d.adrelid), pg_catalog.concat(d.oid, ' ', d.xmin)
            FROM pg_catalog.pg_attrdef AS d
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
            WHERE d.adrelid = ANY (?::pg_catalog.oid[])
            UNION ALL SELECT 'LINKED', NULL, NULL, pg_catalog.concat(d.objid, ' ', d.refobjid)
            FROM (SELECT own.oid FROM pg_catalog.unnest(?::pg_catalog.oid[]) AS own (oid)
                UNION SELECT f.conrelid FROM pg_catalog.pg_constraint AS f
                WHERE f.contype = 'f' AND f.confrelid = ANY (?::pg_catalog.oid[])
                UNION SELECT f.confrelid FROM pg_catalog.pg_constraint AS f
                WHERE f.contype = 'f' AND f.conrelid = ANY (?::pg_catalog.oid[])) AS near (oid)
            CROSS JOIN LATERAL (SELECT near.oid
                UNION (%s)
                UNION SELECT top.relid::pg_catalog.oid
                FROM pg_catalog.pg_partition_ancestors(near.oid) AS top (relid)) AS related (oid)
            CROSS JOIN LATERAL (
                SELECT related.oid, 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
                UNION ALL SELECT c.oid, 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid
                FROM pg_catalog.pg_constraint AS c WHERE c.conrelid = related.oid
                UNION ALL SELECT i.indexrelid, 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
                FROM pg_catalog.pg_index AS i WHERE i.indrelid = related.oid
                UNION ALL SELECT s.oid, 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass::pg_catalog.oid
                FROM pg_catalog.pg_statistic_ext AS s WHERE s.stxrelid = related.oid) AS made (oid, catalog)
            JOIN pg_catalog.pg_depend AS d ON d.objid = made.oid AND d.classid = made.catalog AND d.refobjid >= USERS
            LEFT JOIN pg_catalog.pg_opclass AS k ON k.oid = d.refobjid
            AND d.refclassid = 'pg_catalog.pg_opclass'::pg_catalog.regclass::pg_catalog.oid
            WHERE (d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid
                AND (made.catalog = 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid
                    OR EXISTS (SELECT FROM pg_catalog.pg_proc AS p
                        WHERE p.oid = d.refobjid AND NOT p.prolang = ANY ('{12,13}'::pg_catalog.oid[]))))
            OR (d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass::pg_catalog.oid
                AND EXISTS (SELECT FROM pg_catalog.pg_operator AS o
                    JOIN pg_catalog.pg_proc AS p ON p.oid = o.oprcode
                    WHERE o.oid = d.refobjid AND NOT p.prolang = ANY ('{12,13}'::pg_catalog.oid[])))
            OR EXISTS (SELECT FROM pg_catalog.pg_amproc AS m
                JOIN pg_catalog.pg_proc AS p ON p.oid = m.amproc
                WHERE m.amprocfamily = k.opcfamily AND NOT p.prolang = ANY ('{12,13}'::pg_catalog.oid[]))
            OR EXISTS (SELECT FROM pg_catalog.pg_amop AS m
                JOIN pg_catalog.pg_operator AS o ON o.oid = m.amopopr
                JOIN pg_catalog.pg_proc AS p ON p.oid = o.oprcode
                WHERE m.amopfamily = k.opcfamily AND NOT p.prolang = ANY ('{12,13}'::pg_catalog.oid[]))""".formatted(InheritanceTree.query("near.oid")));

    /** Functions, operators, domains, composite types and ranges; an enumeration runs nothing. */
    private static final String USERS = CatalogSql.qualified("""
            SELECT FROM pg_catalog.pg_proc AS p WHERE p.oid >= USERS AND p.proname = ANY (?::pg_catalog.name[])
            UNION ALL SELECT FROM pg_catalog.pg_operator AS o
            WHERE o.oid >= USERS AND o.oprname = ANY (?::pg_catalog.name[])
            UNION ALL SELECT FROM pg_catalog.pg_type AS t
            WHERE t.oid >= USERS AND t.typtype <> 'e' AND t.typname = ANY (?::pg_catalog.name[])
            UNION ALL SELECT FROM pg_catalog.pg_cast AS c WHERE c.castfunc >= USERS LIMIT 1""");

    CodeOfTable {
        pieces = Set.copyOf(pieces);
    }

    private enum Kind {
        TRIGGER,
        RULE,
        DEFAULT,
        GENERATED,
        LINKED
    }

    /**
     * A trigger's body, a column's expression, or what a table at the other end of a foreign key is made of.
     *
     * @param column empty where it is of no column
     * @param text empty where it is not read
     * @param version another one once it was replaced, be it by the same
     */
    private record Piece(Kind kind, Optional<String> column, Optional<String> text, String version) {}

    /** Reads it. */
    static CodeOfTable of(Connection connection, Collection<Long> tables) throws SQLException {
        Set<Piece> pieces = new HashSet<>();
        try (PreparedStatement select = connection.prepareStatement(CODE)) {
            for (int i = 1; i <= 6; i++) {
                select.setString(i, CatalogSql.array(tables));
            }
            try (ResultSet code = select.executeQuery()) {
                while (code.next()) {
                    @Nullable String column = code.getString(2);
                    @Nullable String text = code.getString(3);
                    pieces.add(new Piece(
                            Kind.valueOf(code.getString(1)),
                            Optional.ofNullable(column),
                            Optional.ofNullable(text),
                            code.getString(4)));
                }
            }
        }
        return new CodeOfTable(pieces);
    }

    /**
     * Whether none of it can write to these columns.
     *
     * @param defaults the columns whose defaults may be evaluated
     */
    boolean leavesAlone(Connection connection, Set<String> columns, Predicate<String> defaults) throws SQLException {
        Set<String> words = new HashSet<>();
        for (Piece piece : pieces) {
            if (piece.text().isEmpty()) {
                return false;
            }
            String text = piece.text().get();
            Set<String> its = WordsOfText.in(text);
            if (piece.kind() == Kind.TRIGGER && writes(text, its, columns)) {
                return false;
            }
            if (piece.kind() != Kind.DEFAULT || piece.column().filter(defaults).isPresent()) {
                words.addAll(its);
            }
        }
        return words.stream()
                        .noneMatch(
                                word -> FunctionRules.of(Optional.empty(), word).isPresent())
                && (words.isEmpty() || !mentionsUsers(connection, words));
    }

    private static boolean writes(String body, Set<String> words, Set<String> columns) {
        return !TriggerBody.onlyAssigns(body)
                || words.stream()
                        .anyMatch(word -> columns.stream().anyMatch(column -> PolicyNames.meansColumn(column, word)));
    }

    private static boolean mentionsUsers(Connection connection, Set<String> words) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(USERS)) {
            for (int i = 1; i <= 3; i++) {
                select.setString(i, CatalogSql.array(words));
            }
            try (ResultSet found = select.executeQuery()) {
                return found.next();
            }
        }
    }
}
