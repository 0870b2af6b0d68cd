package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.StatementAssessment;

import java.util.Collection;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Under which names a database runs code of the user's that may change anything. Names are compared without their schema, so
 * that no search path hides one. Immutable.
 *
 * @param functions functions and aggregates
 * @param views views and materialized views
 * @param operators operators, as they are written
 * @param types domains whose CHECK runs such code, and what is made of them
 * @param casts whether a cast runs such code
 * @param anywhere whether it can run without being named: by an implicit cast, or an operator that IN, LIKE and their like
 *     stand for
 */
public record VolatileNames(
        Set<String> functions,
        Set<String> views,
        Set<String> operators,
        Set<String> types,
        boolean casts,
        boolean anywhere) {
    /** What BETWEEN, CASE, DISTINCT, IN, LIKE, SIMILAR TO, NATURAL JOIN and so on stand for. */
    private static final Set<String> IMPLIED = Set.of("=", "<>", "<", ">", "<=", ">=", "~", "~~", "!~~", "~~*", "!~~*");

    /** Commands on rows that evaluate what stands in their text. */
    private static final Set<CommandTag> EVALUATING = Set.of(
            CommandTag.SELECT,
            CommandTag.SELECT_INTO,
            CommandTag.INSERT,
            CommandTag.UPDATE,
            CommandTag.DELETE,
            CommandTag.MERGE,
            CommandTag.EXPLAIN,
            CommandTag.EXPLAIN_ANALYZE,
            CommandTag.DECLARE_CURSOR,
            CommandTag.COPY,
            CommandTag.COPY_FROM,
            CommandTag.COPY_TO,
            CommandTag.COPY_PROGRAM);

    private static final Set<CommandTag> EVALUATING_DDL = Set.of(
            CommandTag.CREATE_TABLE_AS,
            CommandTag.CREATE_MATERIALIZED_VIEW,
            CommandTag.REFRESH_MATERIALIZED_VIEW,
            CommandTag.ALTER_TABLE);

    private static final Pattern EXPLICIT_CAST = Pattern.compile("::|\\bcast\\b", Pattern.CASE_INSENSITIVE);

    public VolatileNames {
        functions = Set.copyOf(functions);
        views = Set.copyOf(views);
        operators = Set.copyOf(operators);
        types = Set.copyOf(types);
        anywhere |= operators.stream().anyMatch(IMPLIED::contains);
    }

    static boolean evaluates(StatementAssessment statement) {
        return isQuery(statement) || EVALUATING_DDL.contains(statement.tag());
    }

    /** Whether it reads or writes rows; such a statement makes no names itself. */
    public static boolean isQuery(StatementAssessment statement) {
        return EVALUATING.contains(statement.tag());
    }

    /**
     * What a statement runs.
     *
     * @param sql the text in which it stands: of operators and types, others' in the same text count as its own
     */
    Optional<String> findIn(StatementAssessment statement, String sql) {
        for (String function : statement.functions()) {
            if (functions.contains(function.substring(function.lastIndexOf('.') + 1))) {
                return Optional.of(function);
            }
        }
        for (RelationName relation : statement.reads()) {
            if (views.contains(relation.name())) {
                return Optional.of(relation.toString());
            }
        }
        return evaluates(statement) ? findUncalled(sql) : Optional.empty();
    }

    private Optional<String> findUncalled(String sql) {
        if (anywhere) {
            return Optional.of("an implicit cast or a comparison");
        }
        if (casts && EXPLICIT_CAST.matcher(sql).find()) {
            return Optional.of("a cast");
        }
        Optional<String> operator = operators.stream().filter(sql::contains).findAny();
        return operator.isPresent() ? operator : typeIn(sql);
    }

    private Optional<String> typeIn(String sql) {
        if (types.isEmpty()) {
            return Optional.empty();
        }
        String folded = sql.toLowerCase(Locale.ROOT);
        // With escapes, a name may be spelt in any way.
        return folded.contains("u&\"")
                ? Optional.of("a name with escapes")
                : types.stream()
                        .filter(type -> folded.contains(type.toLowerCase(Locale.ROOT)))
                        .findAny();
    }

    /** Whether the body of a function, its words given as they are found in it, runs something of this. */
    boolean areIn(Collection<String> called, Collection<String> words, String body) {
        return called.stream().anyMatch(functions::contains)
                || words.stream().anyMatch(views::contains)
                || findUncalled(body).isPresent();
    }
}
