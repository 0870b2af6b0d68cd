package io.backstop.jdbc.internal.pipeline.impact.columns;

import io.backstop.jdbc.internal.analysis.detail.WordsOfText;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogSql;
import io.backstop.jdbc.policy.PolicyNames;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Tells whether what writes to tables set off leaves columns alone that the text does not write: by all events, since a write
 * of a partition's column may be a DELETE and an INSERT to the server, and an UPDATE of triggers' own. Stateless.
 */
final class CodeOfTable {
    /** What a write sets off, with the body where it can be read; a condition may call anything. */
    private static final String CODE = CatalogSql.qualified("""
            SELECT CASE WHEN l.lanname = 'plpgsql' AND t.tgqual IS NULL THEN p.prosrc END
            FROM pg_catalog.pg_trigger AS t
            JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
            JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
            WHERE t.tgrelid = ANY (?::pg_catalog.oid[]) AND NOT t.tgisinternal AND t.tgenabled <> 'D'
            UNION ALL SELECT NULL FROM pg_catalog.pg_class AS c
            WHERE c.oid = ANY (?::pg_catalog.oid[]) AND c.relhasrules""");

    /** Functions, operators, domains, composite types and ranges; an enumeration runs nothing. */
    private static final String USERS = CatalogSql.qualified("""
            SELECT FROM pg_catalog.pg_proc AS p WHERE p.oid >= USERS AND p.proname = ANY (?::pg_catalog.name[])
            UNION ALL SELECT FROM pg_catalog.pg_operator AS o
            WHERE o.oid >= USERS AND o.oprname = ANY (?::pg_catalog.name[])
            UNION ALL SELECT FROM pg_catalog.pg_type AS t
            WHERE t.oid >= USERS AND t.typtype <> 'e' AND t.typname = ANY (?::pg_catalog.name[])
            UNION ALL SELECT FROM pg_catalog.pg_cast AS c WHERE c.castfunc >= USERS LIMIT 1""");

    /** With these code writes to a table, runs text, or gives a row another name. */
    private static final Set<String> WRITING = Set.of(
            "alias",
            "call",
            "copy",
            "delete",
            "execute",
            "insert",
            "into",
            "merge",
            "perform",
            "select",
            "truncate",
            "update");

    /** A row as a whole where it is not what the trigger returns, or another row that it returns. */
    private static final Pattern WHOLE_ROW = Pattern.compile(
            "(?<!return\\s{1,9})\\b(new|old)\\b(?!\\s*\\.)|\\breturn\\b(?!\\s+(new|old|null)\\s*;)",
            Pattern.CASE_INSENSITIVE);

    private CodeOfTable() {}

    /** Whether there is no code that a write to one of the tables sets off, or none of it can write to these columns. */
    static boolean leavesAlone(Connection connection, Set<Long> tables, Set<String> columns) throws SQLException {
        Set<String> words = new HashSet<>();
        try (PreparedStatement select = connection.prepareStatement(CODE)) {
            select.setString(1, CatalogSql.array(tables));
            select.setString(2, CatalogSql.array(tables));
            try (ResultSet code = select.executeQuery()) {
                while (code.next()) {
                    String body = code.getString(1);
                    if (body == null || WHOLE_ROW.matcher(body).find()) {
                        return false;
                    }
                    words.addAll(WordsOfText.in(body));
                }
            }
        }
        return words.stream().noneMatch(WRITING::contains)
                && words.stream()
                        .noneMatch(word -> columns.stream().anyMatch(column -> PolicyNames.meansColumn(column, word)))
                && (words.isEmpty() || !mentionsUsers(connection, words));
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
