package io.backstop.jdbc;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Makes queries with a canary behind some place of PostgreSQL's grammar for SELECT: an expression, or a table, that runs a
 * VOLATILE function. Most are valid. Confined to one thread; the same seed makes the same queries.
 */
final class CanaryQueries {
    /** What {@link #next} makes queries about. */
    static final List<String> SCHEMA = List.of(
            "CREATE SEQUENCE sung",
            "CREATE TABLE t (a int, b text, c int[])",
            "INSERT INTO t VALUES (1, 'x', '{1}'), (2, 'y', '{2,3}'), (3, 'z', NULL)",
            "CREATE FUNCTION canary() RETURNS int LANGUAGE sql AS 'SELECT nextval(''sung'')::int'",
            "CREATE FUNCTION \"Sings \"\"loud\"\"\"() RETURNS int LANGUAGE sql AS 'SELECT nextval(''sung'')::int'",
            "CREATE FUNCTION \"left\"(bigint) RETURNS int LANGUAGE sql AS 'SELECT nextval(''sung'')::int'",
            "CREATE FUNCTION singing(int) RETURNS int LANGUAGE sql AS 'SELECT nextval(''sung'')::int + 0 * $1'",
            "CREATE FUNCTION of_row(t) RETURNS int LANGUAGE sql AS 'SELECT nextval(''sung'')::int'",
            "CREATE FUNCTION songs() RETURNS SETOF int LANGUAGE sql AS 'SELECT nextval(''sung'')::int'",
            "CREATE FUNCTION silent() RETURNS int STABLE LANGUAGE sql AS 'SELECT canary/**/()'",
            "CREATE FUNCTION pairwise(int, int) RETURNS int LANGUAGE sql AS 'SELECT nextval(''sung'')::int + 0 * $1 * $2'",
            "CREATE OPERATOR <%> (FUNCTION = pairwise, LEFTARG = int, RIGHTARG = int)",
            "CREATE AGGREGATE choir(int) (SFUNC = pairwise, STYPE = int, INITCOND = '0')",
            "CREATE DOMAIN sung_int AS int CHECK (VALUE < canary() + 1000000000)",
            "CREATE TYPE cage AS (bird sung_int, n int)",
            "CREATE VIEW aviary AS SELECT canary() AS a, 'v' AS b",
            "CREATE VIEW zoo AS SELECT * FROM aviary",
            "CREATE VIEW one_song AS SELECT canary()");

    private final Random random;

    /** Gives each alias another number. */
    private int aliases;

    CanaryQueries(long seed) {
        this.random = new Random(seed);
    }

    /** One query with at least one canary. */
    String next() {
        aliases = 0;
        return spell(query(random.nextInt(4)));
    }

    private String pick(String... choices) {
        return choices[random.nextInt(choices.length)];
    }

    private String alias() {
        aliases++;
        return pick("q", "o", "silence", "\"A b\"", "canary_", "left_").replaceAll("(\"?)$", aliases + "$1");
    }

    /** An integer expression that runs the canary; names in {@code ~} are spelt in some way. */
    private String sing() {
        return switch (random.nextInt(14)) {
            case 0 -> "~Sings \"\"loud\"\"~()";
            case 1 -> "public.~left~(1::bigint)";
            case 2 -> "~singing~(" + pick("1", "(SELECT 1)") + ")";
            case 3 -> "(" + pick("1", "(SELECT 2)") + ").~singing~";
            case 4 -> "(SELECT max(o.~of_row~) FROM t o)";
            case 5 -> "(SELECT ~songs~())";
            case 6 -> "~silent~()";
            case 7 -> "(1 " + pick("<%>", "OPERATOR(public.<%>)") + " 2)";
            case 8 -> "(SELECT ~choir~(a) FROM t)";
            case 9 -> "random()::int::~sung_int~";
            case 10 -> "(ROW(random()::int, 2)::~cage~).n";
            case 11 -> "(SELECT max(a) FROM ~" + pick("aviary", "zoo") + "~)";
            case 12 -> "(public.~canary~())";
            default -> "~canary~()";
        };
    }

    /** The canary below some operators and constructs that take and give an integer. */
    private String value(int depth) {
        if (depth <= 0) {
            return sing();
        }
        String inner = value(depth - 1);
        return switch (random.nextInt(44)) {
            case 0 -> "(" + inner + " + 1)";
            case 1 -> "(- " + inner + ")";
            case 2 -> "CASE WHEN " + inner + " > 0 THEN 1 ELSE 2 END";
            case 3 -> "CASE " + inner + " WHEN 1 THEN 2 END";
            case 4 -> "CASE 1 WHEN 2 THEN 3 ELSE " + inner + " END";
            case 5 -> "coalesce(NULL, " + inner + ")";
            case 6 -> "nullif(" + inner + ", -1)";
            case 7 -> "greatest(0, " + inner + ")";
            case 8 -> "(ARRAY[1, " + inner + "])[2]";
            case 9 -> "(ARRAY(SELECT " + inner + "))[1]";
            case 10 -> "array_length(ARRAY[[" + inner + "]], 1)";
            case 11 -> "(" + inner + " = ANY (ARRAY[1, 2]))::int";
            case 12 -> "(1 IN (" + inner + ", 2))::int";
            case 13 -> "(1 NOT IN (SELECT " + inner + "))::int";
            case 14 -> "(EXISTS (SELECT 1 WHERE " + inner + " > 0))::int";
            case 15 -> "('a' LIKE (SELECT (" + inner + ")::text))::int";
            case 16 -> "('a' NOT ILIKE " + inner + "::text ESCAPE '!')::int";
            case 17 -> "('a' SIMILAR TO (" + inner + ")::text)::int";
            case 18 -> "(" + inner + " BETWEEN 1 AND 2)::int";
            case 19 -> "(1 BETWEEN SYMMETRIC 2 AND " + inner + ")::int";
            case 20 -> "(" + inner + " IS DISTINCT FROM 1)::int";
            case 21 -> "((" + inner + ") IS NULL)::int";
            case 22 -> "(ROW(1, " + inner + ") = ROW(1, 2))::int";
            case 23 -> "((1, " + inner + ") < ALL (SELECT 2, 3))::int";
            case 24 -> "CAST(" + inner + " AS numeric(10))::int";
            case 25 -> "length((" + inner + ")::text COLLATE \"C\")";
            case 26 -> "extract(epoch FROM make_interval(secs => " + inner + "))::int";
            case 27 -> "position('1' IN (" + inner + ")::text)";
            case 28 -> "length(substring('abcdef' FROM (" + inner + ")::int % 3 + 1))";
            case 29 -> "length(overlay('abc' PLACING 'x' FROM 1 FOR (" + inner + ") % 2))";
            case 30 -> "length(trim(BOTH 'x' FROM (" + inner + ")::text))";
            case 31 -> "(SELECT count(*) FILTER (WHERE " + inner + " > 0) FROM t)::int";
            case 32 -> "(SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY " + inner + ") FROM t)";
            case 33 -> "(SELECT sum(" + inner + ") OVER (PARTITION BY a ORDER BY b) FROM t LIMIT 1)::int";
            case 34 -> "(SELECT max(x) FROM (VALUES (1), (" + inner + ")) AS " + alias() + "(x))";
            case 35 -> "(jsonb_build_object('k', " + inner + ") ->> 'k')::int";
            case 36 -> "length(format('%s', " + inner + "))";
            case 37 -> "((SELECT string_agg(b, ',' ORDER BY " + inner + ") FROM t) IS NULL)::int";
            case 38 -> "length(xmlelement(name x, " + inner + ")::text)";
            case 39 -> "length(xmlforest(" + inner + " AS y)::text)";
            case 40 -> "(('{1,2,3}'::int[])[" + inner + " % 2 + 1:])[1]";
            case 41 -> "((to_timestamp(" + inner + ") AT TIME ZONE 'UTC') IS NULL)::int";
            case 42 -> "(WITH aviary AS (SELECT 1 AS a) SELECT a + " + inner + " FROM aviary)";
            default -> "(" + query(depth - 1, inner) + ")";
        };
    }

    private String query(int depth) {
        return query(depth, value(random.nextInt(3)));
    }

    /** A query of one integer column that has the expression somewhere. */
    private String query(int depth, String sing) {
        if (depth > 0) {
            String inner = query(depth - 1, sing);
            return switch (random.nextInt(12)) {
                case 0 -> "SELECT x FROM (" + inner + ") AS " + alias() + "(x)";
                case 1 ->
                    "SELECT x FROM ((SELECT 1) " + pick("UNION", "UNION ALL") + " (" + inner + ")) " + alias() + "(x)";
                case 2 -> "(" + inner + ") " + pick("UNION ALL", "EXCEPT", "INTERSECT ALL") + " VALUES (1)";
                case 3 -> "VALUES (3) " + pick("UNION", "UNION DISTINCT", "EXCEPT ALL") + " (" + inner + ")";
                case 4 ->
                    "WITH w" + ++aliases + "(x) AS " + pick("", "MATERIALIZED ", "NOT MATERIALIZED ") + "(" + inner
                            + ") SELECT x FROM w" + aliases;
                case 5 ->
                    "WITH RECURSIVE r(n) AS ((" + inner
                            + ") UNION ALL SELECT n + 1 FROM r WHERE n = 0) SELECT n FROM r";
                case 6 ->
                    "WITH aviary AS (SELECT 7 AS a), zoo AS (" + inner
                            + ") SELECT (SELECT count(*) FROM zoo)::int + a FROM aviary";
                case 7 -> "SELECT 1 FROM t JOIN LATERAL (" + inner + ") AS " + alias() + "(x) ON true";
                case 8 -> "SELECT (" + limited(inner) + ")";
                case 9 -> "SELECT a FROM t ORDER BY (" + limited(inner) + "), a";
                case 10 -> "SELECT count(*)::int FROM t WHERE a NOT IN (" + inner + ")";
                default -> "(" + inner + ")";
            };
        }
        return switch (random.nextInt(36)) {
            case 0 -> "SELECT " + sing;
            case 1 -> "SELECT a FROM t WHERE " + sing + " > 0";
            case 2 -> "SELECT t.a FROM t JOIN t u ON t.a = u.a AND " + sing + " > 0";
            case 3 -> "SELECT t.a FROM t LEFT JOIN t u ON " + sing + " > 0";
            case 4 -> "SELECT count(*)::int FROM t GROUP BY a + " + sing;
            case 5 -> "SELECT count(*)::int FROM t GROUP BY GROUPING SETS ((a), (" + sing + "))";
            case 6 -> "SELECT count(*)::int FROM t GROUP BY " + pick("ROLLUP", "CUBE") + " (a, (" + sing + "))";
            case 7 -> "SELECT a FROM t GROUP BY a HAVING " + sing + " > 0";
            case 8 -> "SELECT (rank() OVER w)::int FROM t WINDOW w AS (ORDER BY " + sing + ")";
            case 9 ->
                "SELECT (sum(a) OVER (ORDER BY a ROWS BETWEEN " + sing + " PRECEDING AND CURRENT ROW))::int FROM t";
            case 10 -> "SELECT a FROM t ORDER BY " + sing;
            case 11 -> "SELECT a FROM t LIMIT abs(" + sing + ")";
            case 12 -> "SELECT a FROM t OFFSET abs(" + sing + ")";
            case 13 -> "SELECT a FROM t FETCH FIRST (abs(" + sing + ")) ROWS ONLY";
            case 14 -> "SELECT DISTINCT ON (" + sing + ") a FROM t";
            case 15 -> "SELECT DISTINCT " + sing + " FROM t";
            case 16 -> "VALUES (1), (" + sing + ")";
            case 17 -> "SELECT * FROM generate_series(1, " + sing + " % 3 + 1)";
            case 18 ->
                "SELECT x::int FROM ROWS FROM (generate_series(1, 2), abs(" + sing + ")) AS " + alias() + "(y, x)";
            case 19 -> "SELECT 1 FROM t, LATERAL abs(" + sing + ") AS " + alias();
            case 20 -> "SELECT a FROM t TABLESAMPLE BERNOULLI (50 + 0 * " + sing + ")";
            case 21 -> "SELECT a FROM t TABLESAMPLE SYSTEM (50) REPEATABLE (" + sing + ")";
            case 22 ->
                "SELECT x FROM xmltable('/r/i' PASSING ('<r><i>' || (" + sing + ") || '</i></r>')::xml"
                        + " COLUMNS x int PATH '.')";
            case 23 ->
                "SELECT x FROM xmltable('/r/i' PASSING '<r><i/></r>' COLUMNS x int PATH 'n' DEFAULT " + sing + ")";
            case 24 -> "SELECT 1 FROM ~" + pick("aviary", "zoo") + "~";
            case 25 -> "SELECT * FROM ~" + pick("canary", "songs", "silent") + "~()";
            case 26 -> "SELECT * FROM ~songs~() WITH ORDINALITY AS " + alias() + "(x, n)";
            case 27 -> "SELECT y FROM t, unnest(ARRAY[a, " + sing + "]) AS y";
            case 28 -> "SELECT (json_array_elements(json_build_array(" + sing + "))::text)::int";
            case 29 -> "SELECT x FROM jsonb_to_record(jsonb_build_object('x', " + sing + ")) AS " + alias() + "(x int)";
            case 30 -> "SELECT x FROM jsonb_to_record('{\"x\": 1}') AS " + alias() + "(x ~sung_int~)";
            case 31 -> "SELECT n FROM json_populate_record(NULL::~cage~, '{\"bird\": 1, \"n\": 2}')";
            case 32 -> "SELECT count(*)::int FROM t WHERE (a, " + sing + ") IN (SELECT 1, 2)";
            case 33 -> "SELECT t.a FROM t FULL JOIN (SELECT " + sing + " AS a) u USING (a)";
            case 34 -> "SELECT a FROM t NATURAL JOIN (SELECT " + sing + " % 3 AS a) n";
            default -> "TABLE ~one_song~";
        };
    }

    private String limited(String query) {
        return "SELECT x FROM (" + query + ") AS " + alias() + "(x) LIMIT 1";
    }

    /** Writes the names in {@code ~} in one of the ways that mean the same, and space in one of its kinds. */
    private String spell(String sql) {
        StringBuilder spelt = new StringBuilder(sql.length() * 2);
        int at = 0;
        while (at < sql.length()) {
            char c = sql.charAt(at);
            if (c == '~') {
                int end = sql.indexOf('~', at + 1);
                spelt.append(name(sql.substring(at + 1, end)));
                at = end;
            } else if (c == '\'') {
                int end = sql.indexOf('\'', at + 1);
                spelt.append(sql, at, end + 1);
                at = end;
            } else if (c == ' ' && random.nextInt(8) == 0) {
                spelt.append(pick("\n", "\t", " /* ' */ ", " -- \"\n", "/* /* */ $$ */", "  "));
            } else {
                spelt.append(c);
            }
            at++;
        }
        return spelt.toString();
    }

    private String name(String name) {
        if (name.indexOf('"') >= 0 || name.equals("left")) {
            return '"' + name + '"';
        }
        return switch (random.nextInt(5)) {
            case 0 -> '"' + name + '"';
            case 1 -> mixed(name);
            case 2 -> "U&\"" + escaped(name, '\\') + '"';
            case 3 -> "u&\"" + escaped(name, '!') + "\" UESCAPE '!' ";
            default -> name + pick("", "/**/", "\n");
        };
    }

    private String mixed(String name) {
        StringBuilder mixed = new StringBuilder();
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            mixed.append(random.nextBoolean() ? Character.toUpperCase(c) : c);
        }
        return mixed.toString();
    }

    private String escaped(String name, char escape) {
        List<String> parts = new ArrayList<>();
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            parts.add(
                    switch (random.nextInt(4)) {
                        case 0 -> escape + String.format("%04x", (int) c);
                        case 1 -> escape + "+" + String.format("%06X", (int) c);
                        default -> String.valueOf(c);
                    });
        }
        return String.join("", parts);
    }
}
