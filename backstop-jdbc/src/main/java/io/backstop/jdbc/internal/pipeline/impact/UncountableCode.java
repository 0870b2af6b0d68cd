package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.jdbc.internal.analysis.detail.WordsOfText;
import io.backstop.jdbc.internal.analysis.rule.EvaluatingCommands;
import io.backstop.jdbc.internal.analysis.rule.FunctionRules;
import io.backstop.jdbc.internal.analysis.rule.Rule;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Finds code that changes what no counter of its session shows: over another connection, by a program, or by text that it puts
 * together in a role to which one of these is open. Stateless, thread-safe.
 */
final class UncountableCode {
    private static final Pattern PROGRAM = Pattern.compile("\\bcopy\\b[^;]*\\bprogram\\b", Pattern.CASE_INSENSITIVE);

    /** A COPY to or from what is no stream: a literal, behind whatever comments. */
    private static final Pattern FILE = Pattern.compile(
            "\\bcopy\\b[^;]*\\b(to|from)\\b(\\s|/\\*.*?\\*/|--[^\\n]*\\n)*([eu]&?)?['$]",
            Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

    /** Large objects are counted. */
    private static final String OF_LARGE_OBJECTS = "lo_";

    /** With these a block runs text that cannot be read in it, or changes a setting of which that is true. */
    private static final Set<String> BUILDING_TEXT =
            Set.of("execute", "set_config", "plpy", "plv8", "spi_exec_query", "spi_query", "spi_exec");

    private static final String LANGUAGE = "language";
    private static final String OWN_LANGUAGE = "plpgsql";

    /** Whether the role can switch the counters off, run programs, or connect again. */
    private static final String OPEN = """
            SELECT pg_catalog.current_setting('is_superuser') OPERATOR(pg_catalog.=) 'on'
            OR pg_catalog.pg_has_role('pg_execute_server_program', 'MEMBER')
            OR EXISTS (SELECT FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_language AS l
                ON l.oid OPERATOR(pg_catalog.=) p.prolang
                WHERE (p.proname OPERATOR(pg_catalog.~~) 'dblink%'
                    OR NOT l.lanpltrusted AND p.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
                        AND l.lanname OPERATOR(pg_catalog.<>) 'c' AND l.lanname OPERATOR(pg_catalog.<>) 'internal')
                AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE'))""";

    private UncountableCode() {}

    /** Why what a text's blocks change cannot be counted. */
    static Optional<String> in(Connection connection, Assessment assessment, String sql) throws SQLException {
        if (assessment.statements().stream().noneMatch(statement -> statement.holds(CommandTag.DO))) {
            return callsLeaving(assessment)
                    ? calledBy(WordsOfText.in(sql)).map(reason -> "its text " + reason)
                    : Optional.empty();
        }
        Set<String> words = WordsOfText.in(sql);
        Optional<String> outside = leaving(words, sql);
        if (outside.isPresent()) {
            return outside.map(reason -> "the block " + reason);
        }
        boolean building = BUILDING_TEXT.stream().anyMatch(words::contains)
                || words.stream().anyMatch(word -> is(word, Rule.QUERY_FROM_TEXT))
                || (words.contains(LANGUAGE) && !words.contains(OWN_LANGUAGE));
        return building && isOpen(connection)
                ? Optional.of("the block runs text that it puts together, in a role that may switch the server's "
                        + "counters off, run programs or open other connections")
                : Optional.empty();
    }

    /** The functions that leave their transaction, themselves or by another one that they name, and how they do. */
    static Map<String, String> among(Map<String, String> bodies) {
        Map<String, Set<String>> words = new HashMap<>();
        Map<String, String> found = new HashMap<>();
        bodies.forEach((name, body) -> {
            words.put(name, WordsOfText.in(body));
            leaving(words.get(name), body).ifPresent(reason -> found.put(name, reason));
        });
        boolean more = !found.isEmpty();
        while (more) {
            more = false;
            for (Map.Entry<String, Set<String>> each : words.entrySet()) {
                Optional<String> callee =
                        each.getValue().stream().filter(found::containsKey).findFirst();
                if (callee.isPresent() && !found.containsKey(each.getKey())) {
                    found.put(each.getKey(), "names " + callee.get() + ", which " + found.get(callee.get()));
                    more = true;
                }
            }
        }
        return found;
    }

    /** Whether a query calls what may run a text that stands in it. */
    private static boolean callsLeaving(Assessment assessment) {
        return LimitedExecution.holdsUnseenCode(assessment)
                && assessment.statements().stream().allMatch(each -> EvaluatingCommands.onRows(each.tag()));
    }

    private static Optional<String> calledBy(Set<String> words) {
        return words.stream()
                .filter(word -> is(word, Rule.UNSEEN_FUNCTION) && !word.startsWith(OF_LARGE_OBJECTS))
                .findFirst()
                .map(word -> "names " + word + ", which works outside of its transaction");
    }

    private static Optional<String> leaving(Set<String> words, String text) {
        return calledBy(words)
                .or(() -> PROGRAM.matcher(text).find()
                        ? Optional.of("names a program, which works outside of its transaction")
                        : Optional.empty())
                .or(() -> FILE.matcher(text).find()
                        ? Optional.of("names a file of the server, which no rollback brings back")
                        : Optional.empty());
    }

    private static boolean is(String word, Rule rule) {
        return FunctionRules.of(Optional.empty(), word).filter(rule::equals).isPresent();
    }

    private static boolean isOpen(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(OPEN)) {
            row.next();
            return row.getBoolean(1);
        }
    }
}
