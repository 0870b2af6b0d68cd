package io.backstop.jdbc.internal.pipeline.preview;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.MentionedNames;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.analysis.detail.WordsOfText;
import io.backstop.jdbc.internal.analysis.rule.FunctionRules;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogSql;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What the names of a statement lead to in the catalog: relations with their rules, triggers, policies, defaults, constraints
 * and indexes, views below views, functions and what their bodies name. Too much rather than too little: names count wherever
 * they stand and whatever schema they may mean. Where text is run that cannot be read there, everything of the user's counts.
 * Immutable.
 *
 * @param digest equal where all of that is defined alike
 * @param definitions what it is made of, each with the transaction that wrote it
 * @param routineWriters the functions and procedures, each with the transaction that wrote it: one that was replaced, and put
 *     back, is defined alike and was not the same meanwhile
 * @param texts the bodies of functions, and the strings that stand in stored expressions
 * @param words every word of these bodies, folded, and every function that stored expressions call; without defaults
 * @param routines the functions and procedures
 * @param relationKinds the kinds of the relations, as pg_class.relkind has them
 * @param rewritten whether a rule stands on one of the relations that is not what makes it a view
 * @param defaults the functions that defaults call
 * @param setsDefaults whether a foreign key has a default set
 */
public record ReachedCode(
        String digest,
        Map<String, String> definitions,
        Set<String> routineWriters,
        List<String> texts,
        Set<String> words,
        Set<Routine> routines,
        Set<String> relationKinds,
        boolean rewritten,
        Set<String> defaults,
        boolean setsDefaults) {
    /** Languages whose text names what it runs; of the last two nothing can be read but which code it is. */
    private static final Set<String> READABLE = Set.of("sql", "plpgsql", "c", "internal");

    private static final String ESCAPED_NAME = "u&";
    private static final String RUNS_TEXT = "execute";
    private static final String CASCADE = "cascade";

    /** What sets off no event trigger. */
    private static final Set<CommandTag> ON_ROWS =
            Set.of(CommandTag.SELECT, CommandTag.INSERT, CommandTag.UPDATE, CommandTag.DELETE, CommandTag.MERGE);

    public ReachedCode {
        definitions = Map.copyOf(definitions);
        routineWriters = Set.copyOf(routineWriters);
        texts = List.copyOf(texts);
        words = Set.copyOf(words);
        routines = Set.copyOf(routines);
        relationKinds = Set.copyOf(relationKinds);
        defaults = Set.copyOf(defaults);
    }

    /**
     * A function or procedure.
     *
     * @param extension the extension that it belongs to; empty where it is the user's own
     */
    public record Routine(String name, String language, boolean isVolatile, String extension) {
        boolean isUsers() {
            return extension.isEmpty();
        }
    }

    /** Asks the catalog; changes and locks nothing. Not in a failed transaction. */
    public static ReachedCode of(Connection connection, Assessment assessment, String sql) throws SQLException {
        Question question = Question.about(assessment, sql);
        ReachedCode reached = read(connection, question);
        return question.everything() || reached.isReadable() ? reached : read(connection, question.widened());
    }

    /** Whether everything that the user's own code runs is named in it. */
    boolean isReadable() {
        return routines.stream().filter(Routine::isUsers).map(Routine::language).allMatch(READABLE::contains)
                && texts.stream().noneMatch(ReachedCode::escapesNames)
                && words.stream().noneMatch(word -> word.equals(RUNS_TEXT) || takesQuery(word));
    }

    private static boolean escapesNames(String text) {
        return text.toLowerCase(Locale.ROOT).contains(ESCAPED_NAME);
    }

    private static boolean takesQuery(String word) {
        return FunctionRules.of(Optional.empty(), word)
                .filter(Rule.QUERY_FROM_TEXT::equals)
                .isPresent();
    }

    private static ReachedCode read(Connection connection, Question question) throws SQLException {
        Definitions found = new Definitions();
        String names = CatalogSql.array(question.names());
        try (UncompiledQuery query = UncompiledQuery.prepare(
                connection, ReachQuery.of(connection.getMetaData().getDatabaseMajorVersion()))) {
            PreparedStatement select = query.statement();
            select.setString(1, names);
            select.setString(2, names);
            select.setBoolean(3, question.everything());
            select.setString(4, ReachQuery.SEPARATORS);
            select.setBoolean(5, question.dependents());
            select.setBoolean(6, question.definesObjects());
            try (ResultSet row = query.rows()) {
                while (row.next()) {
                    found.add(row);
                }
            }
        }
        return found.reached(functionNames(connection, found.calls()), functionNames(connection, found.defaultCalls()));
    }

    private static Set<String> functionNames(Connection connection, Set<Long> oids) throws SQLException {
        Set<String> names = new HashSet<>();
        if (oids.isEmpty()) {
            return names;
        }
        try (PreparedStatement select = connection.prepareStatement(ReachQuery.FUNCTION_NAMES)) {
            select.setString(1, CatalogSql.array(oids));
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    names.add(row.getString(1));
                }
            }
        }
        return names;
    }

    /**
     * What the catalog is asked.
     *
     * @param names what stands anywhere in the statement
     * @param everything whether all of the user's objects count, because text is run that may name any of them
     * @param dependents whether what depends on the relations counts too, as for CASCADE
     * @param definesObjects whether event triggers may fire
     */
    private record Question(Set<String> names, boolean everything, boolean dependents, boolean definesObjects) {
        static Question about(Assessment assessment, String sql) {
            Set<String> names = WordsOfText.in(sql);
            boolean blocks = false;
            boolean executes = false;
            boolean defines = false;
            for (StatementAssessment statement : assessment.statements()) {
                MentionedNames mentions = statement.mentions();
                for (int i = 0; i < mentions.size(); i++) {
                    names.add(mentions.name(i));
                }
                blocks |= statement.holds(CommandTag.DO);
                executes |= statement.holds(CommandTag.EXECUTE);
                defines |= !ON_ROWS.contains(statement.tag());
            }
            boolean unreadable = blocks && (names.contains(RUNS_TEXT) || escapesNames(sql));
            return new Question(
                    names,
                    executes || unreadable || names.stream().anyMatch(ReachedCode::takesQuery),
                    names.contains(CASCADE),
                    defines);
        }

        Question widened() {
            return new Question(names, true, dependents, definesObjects);
        }
    }
}
