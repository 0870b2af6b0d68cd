package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.jdbc.internal.analysis.rule.FunctionRules;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Reads from the catalog what runs the user's VOLATILE functions: by its dependencies, and, for STABLE and IMMUTABLE functions,
 * which the server lets call anything, by what their bodies name. Functions of extensions are judged by their names alone,
 * as PostgreSQL's own are.
 */
final class VolatileNamesReader {
    // Operators are qualified, because on the session's search path they may mean anything.
    private static final String FUNCTIONS = """
            SELECT p.oid, p.provolatile, p.prosrc FROM pg_catalog.pg_proc AS p
            JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
            JOIN pg_catalog.pg_language AS l ON l.oid OPERATOR(pg_catalog.=) p.prolang
            WHERE p.prokind OPERATOR(pg_catalog.<>) 'p'
            AND n.nspname OPERATOR(pg_catalog.<>) 'pg_catalog' AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema'
            AND (p.provolatile OPERATOR(pg_catalog.=) 'v'
                OR l.lanname OPERATOR(pg_catalog.<>) 'internal' AND l.lanname OPERATOR(pg_catalog.<>) 'c')
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS e
                WHERE e.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
                AND e.objid OPERATOR(pg_catalog.=) p.oid AND e.deptype OPERATOR(pg_catalog.=) 'e')""";

    /** A view is found through its rule, and a domain through its CHECK. */
    private static final String REACHED = """
            WITH RECURSIVE reached (class, id) AS (
                SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, seed
                FROM pg_catalog.unnest(?::pg_catalog.oid[]) AS seed
                UNION
                SELECT CASE WHEN r.oid IS NOT NULL THEN 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
                    WHEN k.oid IS NOT NULL THEN 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid
                    ELSE d.classid END, coalesce(r.ev_class, k.contypid, d.objid)
                FROM reached JOIN pg_catalog.pg_depend AS d
                    ON d.refclassid OPERATOR(pg_catalog.=) reached.class AND d.refobjid OPERATOR(pg_catalog.=) reached.id
                LEFT JOIN pg_catalog.pg_rewrite AS r ON r.oid OPERATOR(pg_catalog.=) d.objid
                    AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                    AND r.ev_type OPERATOR(pg_catalog.=) '1'
                LEFT JOIN pg_catalog.pg_constraint AS k ON k.oid OPERATOR(pg_catalog.=) d.objid
                    AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_constraint'::pg_catalog.regclass
                    AND k.contypid OPERATOR(pg_catalog.<>) '0'::pg_catalog.oid
                WHERE r.oid IS NOT NULL OR k.oid IS NOT NULL
                OR d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
                OR d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_operator'::pg_catalog.regclass
                OR d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_cast'::pg_catalog.regclass
                OR d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass
                    AND reached.class OPERATOR(pg_catalog.<>) 'pg_catalog.pg_class'::pg_catalog.regclass)
            SELECT 'f', p.proname FROM reached JOIN pg_catalog.pg_proc AS p ON p.oid OPERATOR(pg_catalog.=) id
            WHERE class OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
                AND p.prokind OPERATOR(pg_catalog.<>) 'p'
            UNION
            SELECT 'v', c.relname FROM reached JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) id
            WHERE class OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
            UNION
            SELECT 'o', o.oprname FROM reached JOIN pg_catalog.pg_operator AS o ON o.oid OPERATOR(pg_catalog.=) id
            WHERE class OPERATOR(pg_catalog.=) 'pg_catalog.pg_operator'::pg_catalog.regclass
            UNION
            SELECT 't', t.typname FROM reached JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) id
            WHERE class OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass
            UNION
            SELECT CASE a.castcontext WHEN 'i' THEN 'i' ELSE 'c' END, ''
            FROM reached JOIN pg_catalog.pg_cast AS a ON a.oid OPERATOR(pg_catalog.=) id
            WHERE class OPERATOR(pg_catalog.=) 'pg_catalog.pg_cast'::pg_catalog.regclass""";

    /** Ways to run a text that is put together at run time, in the languages that are commonly installed. */
    private static final Set<String> DYNAMIC =
            Set.of("execute", "plpy", "plv8", "spi_exec_query", "spi_query", "spi_exec");

    private static final Pattern WORD = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}_$]*");
    private static final Pattern CALLED = Pattern.compile("([\\p{L}_][\\p{L}\\p{N}_$]*)\"?\\s*\\(");

    private VolatileNamesReader() {}

    static VolatileNames read(Connection connection) throws SQLException {
        Set<Long> mayChange = new HashSet<>();
        List<Body> readOnly = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(FUNCTIONS)) {
            while (rows.next()) {
                if ("v".equals(rows.getString(2))) {
                    mayChange.add(rows.getLong(1));
                } else {
                    readOnly.add(Body.of(rows.getLong(1), rows.getString(3)));
                }
            }
        }
        readOnly.stream().filter(Body::cannotBeFollowed).forEach(body -> mayChange.add(body.function()));
        VolatileNames reached = reached(connection, mayChange);
        while (addCallers(readOnly, reached, mayChange)) {
            reached = reached(connection, mayChange);
        }
        return reached;
    }

    private static boolean addCallers(List<Body> bodies, VolatileNames reached, Set<Long> mayChange) {
        boolean added = false;
        for (Body body : bodies) {
            if (!mayChange.contains(body.function()) && reached.areIn(body.called(), body.words(), body.text())) {
                added |= mayChange.add(body.function());
            }
        }
        return added;
    }

    private static VolatileNames reached(Connection connection, Set<Long> functions) throws SQLException {
        Set<String> called = new HashSet<>();
        Set<String> views = new HashSet<>();
        Set<String> operators = new HashSet<>();
        Set<String> types = new HashSet<>();
        boolean casts = false;
        boolean implicitCasts = false;
        if (!functions.isEmpty()) {
            try (PreparedStatement select = connection.prepareStatement(REACHED)) {
                select.setString(1, functions.stream().map(String::valueOf).collect(Collectors.joining(",", "{", "}")));
                try (ResultSet rows = select.executeQuery()) {
                    while (rows.next()) {
                        String name = rows.getString(2);
                        switch (rows.getString(1)) {
                            case "f" -> called.add(name);
                            case "v" -> views.add(name);
                            case "o" -> operators.add(name);
                            case "t" -> types.add(name);
                            case "i" -> implicitCasts = true;
                            default -> casts = true;
                        }
                    }
                }
            }
        }
        return new VolatileNames(called, views, operators, types, casts, implicitCasts);
    }

    /** A function's body: which names stand before a parenthesis in it, and which stand in it at all. */
    private record Body(long function, Set<String> called, Set<String> words, String text) {
        static Body of(long function, String text) {
            return new Body(function, names(CALLED, 1, text), names(WORD, 0, text), text);
        }

        /** As written and folded, since it is not known whether they stand in quotes. */
        private static Set<String> names(Pattern pattern, int group, String text) {
            Set<String> names = new HashSet<>();
            Matcher matcher = pattern.matcher(text);
            while (matcher.find()) {
                names.add(matcher.group(group));
                names.add(matcher.group(group).toLowerCase(Locale.ROOT));
            }
            return names;
        }

        /** Whether what it runs cannot be told from its text, or is one of the functions that change more than they seem to. */
        boolean cannotBeFollowed() {
            return words.stream().anyMatch(DYNAMIC::contains)
                    || called.stream()
                            .anyMatch(name ->
                                    FunctionRules.of(Optional.empty(), name).isPresent());
        }
    }
}
