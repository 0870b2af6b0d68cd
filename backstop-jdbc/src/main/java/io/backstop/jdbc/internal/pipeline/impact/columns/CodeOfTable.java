package io.backstop.jdbc.internal.pipeline.impact.columns;

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
    /** With the body where it can be read; a condition may call anything. */
    private static final String CODE = CatalogSql.qualified("""
            SELECT 'TRIGGER', NULL, CASE WHEN l.lanname = 'plpgsql' AND t.tgqual IS NULL THEN p.prosrc END
            FROM pg_catalog.pg_trigger AS t
            JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
            JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
            WHERE t.tgrelid = ANY (?::pg_catalog.oid[]) AND NOT t.tgisinternal AND t.tgenabled <> 'D'
            UNION ALL SELECT 'RULE', NULL, NULL FROM pg_catalog.pg_class AS c
            WHERE c.oid = ANY (?::pg_catalog.oid[]) AND c.relhasrules
            UNION ALL SELECT CASE WHEN a.attgenerated = '' THEN 'DEFAULT' ELSE 'GENERATED' END, a.attname,
            pg_catalog.pg_get_expr(d.adbin, d.adrelid)
            FROM pg_catalog.pg_attrdef AS d
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
            WHERE d.adrelid = ANY (?::pg_catalog.oid[])""");

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
        GENERATED
    }

    /**
     * A trigger's body, or a column's expression.
     *
     * @param column empty where it is of no column
     * @param text empty where it cannot be read
     */
    private record Piece(Kind kind, Optional<String> column, Optional<String> text) {}

    /** Reads it. */
    static CodeOfTable of(Connection connection, Collection<Long> tables) throws SQLException {
        Set<Piece> pieces = new HashSet<>();
        try (PreparedStatement select = connection.prepareStatement(CODE)) {
            for (int i = 1; i <= 3; i++) {
                select.setString(i, CatalogSql.array(tables));
            }
            try (ResultSet code = select.executeQuery()) {
                while (code.next()) {
                    @Nullable String column = code.getString(2);
                    @Nullable String text = code.getString(3);
                    pieces.add(new Piece(
                            Kind.valueOf(code.getString(1)), Optional.ofNullable(column), Optional.ofNullable(text)));
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
