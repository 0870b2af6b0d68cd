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

/** Tells whether what an UPDATE of a table sets off leaves columns alone that its text does not write. Stateless. */
public final class TriggersOnUpdate {
    /** What an UPDATE of the table sets off, with the body where it can be read; a condition may call anything. */
    private static final String CODE = """
            SELECT CASE WHEN l.lanname OPERATOR(pg_catalog.=) 'plpgsql' AND t.tgqual IS NULL THEN p.prosrc END
            FROM pg_catalog.pg_trigger AS t
            JOIN pg_catalog.pg_proc AS p ON p.oid OPERATOR(pg_catalog.=) t.tgfoid
            JOIN pg_catalog.pg_language AS l ON l.oid OPERATOR(pg_catalog.=) p.prolang
            WHERE t.tgrelid OPERATOR(pg_catalog.=) ?::pg_catalog.oid AND NOT t.tgisinternal
            AND t.tgenabled OPERATOR(pg_catalog.<>) 'D'
            AND t.tgtype OPERATOR(pg_catalog.&) '16'::pg_catalog.int2 OPERATOR(pg_catalog.<>) '0'::pg_catalog.int2
            UNION ALL SELECT NULL FROM pg_catalog.pg_class AS c
            WHERE c.oid OPERATOR(pg_catalog.=) ?::pg_catalog.oid AND c.relhasrules""";

    private static final String USERS_FUNCTION = """
            SELECT FROM pg_catalog.pg_proc AS p WHERE p.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
            AND p.proname OPERATOR(pg_catalog.=) ANY (?::pg_catalog.name[]) LIMIT 1""";

    /** With these code writes to a table, runs text, or fills a row with what it does not name. */
    private static final Set<String> WRITING = Set.of(
            "call", "copy", "delete", "execute", "insert", "into", "merge", "perform", "select", "truncate", "update");

    /** The new row as a whole where it is not what the trigger returns, or another row that it returns. */
    private static final Pattern WHOLE_ROW = Pattern.compile(
            "(?<!return\\s{1,9})\\bnew\\b(?!\\s*\\.)|\\breturn\\b(?!\\s+(new|old|null)\\s*;)",
            Pattern.CASE_INSENSITIVE);

    private TriggersOnUpdate() {}

    /** Whether there is no code that an update of the table sets off, or none of it can write to these columns. */
    public static boolean leaveAlone(Connection connection, long table, Set<String> columns) throws SQLException {
        Set<String> words = new HashSet<>();
        try (PreparedStatement select = connection.prepareStatement(CODE)) {
            select.setLong(1, table);
            select.setLong(2, table);
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
                && (words.isEmpty() || !callsUsersFunction(connection, words));
    }

    private static boolean callsUsersFunction(Connection connection, Set<String> words) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(USERS_FUNCTION)) {
            select.setString(1, CatalogSql.array(words));
            try (ResultSet function = select.executeQuery()) {
                return function.next();
            }
        }
    }
}
