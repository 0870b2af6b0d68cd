package io.backstop.cli.demo;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Everything that the demo's database holds, as PostgreSQL itself tells it over a plain connection, for comparing before
 * and after: every row of every table by its own hash, and the definition of every column, constraint, index, view,
 * comment and sequence.
 */
record DatabaseContents(Map<String, List<String>> facts) {
    private static final Map<String, String> QUESTIONS = Map.of(
            "columns",
            """
            SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated,
                pg_get_expr(adbin, adrelid)
            FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
            LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND attnum > 0 AND NOT attisdropped
            ORDER BY 1, attnum""",
            "constraints",
            """
            SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2""",
            "indexes",
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
            "views",
            "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1",
            "comments",
            """
            SELECT objoid::regclass::text, objsubid, description FROM pg_description JOIN pg_class ON pg_class.oid = objoid
            WHERE relnamespace = 'public'::regnamespace ORDER BY 1, 2""",
            "sequences",
            """
            SELECT sequencename, data_type, start_value, increment_by, last_value FROM pg_sequences
            WHERE schemaname = 'public' ORDER BY 1""");

    static DatabaseContents of(Connection connection) throws SQLException {
        Map<String, List<String>> facts = new TreeMap<>();
        for (Map.Entry<String, String> question : QUESTIONS.entrySet()) {
            facts.put(question.getKey(), answer(connection, question.getValue()));
        }
        String tables = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'";
        for (String table : answer(connection, tables)) {
            facts.put("rows of " + table, answer(connection, "SELECT md5(t::text) FROM " + table + " AS t ORDER BY 1"));
        }
        return new DatabaseContents(facts);
    }

    private static List<String> answer(Connection connection, String query) throws SQLException {
        List<String> answer = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(query)) {
            int columns = rows.getMetaData().getColumnCount();
            while (rows.next()) {
                List<String> values = new ArrayList<>();
                for (int i = 1; i <= columns; i++) {
                    values.add(String.valueOf(rows.getString(i)));
                }
                answer.add(String.join(" | ", values));
            }
        }
        return answer;
    }

    /** How many rows all tables hold. */
    long rows() {
        return facts.entrySet().stream()
                .filter(fact -> fact.getKey().startsWith("rows of "))
                .mapToLong(fact -> fact.getValue().size())
                .sum();
    }

    int count(String fact) {
        return facts.getOrDefault(fact, List.of()).size();
    }

    /** What this holds and the other does not have alike, one line for each kind of thing. */
    List<String> differences(DatabaseContents other) {
        List<String> differences = new ArrayList<>();
        Map<String, List<String>> all = new TreeMap<>(facts);
        other.facts.forEach(all::putIfAbsent);
        for (String fact : all.keySet()) {
            List<String> mine = facts.getOrDefault(fact, List.of());
            List<String> theirs = other.facts.getOrDefault(fact, List.of());
            if (!mine.equals(theirs)) {
                List<String> missing = new ArrayList<>(mine);
                missing.removeAll(List.copyOf(new java.util.HashSet<>(theirs)));
                differences.add(fact + ": " + mine.size() + " before, " + theirs.size() + " after, first missing: "
                        + missing.stream().findFirst().orElse("none"));
            }
        }
        return differences;
    }
}
