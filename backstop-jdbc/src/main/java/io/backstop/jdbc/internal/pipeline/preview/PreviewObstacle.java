package io.backstop.jdbc.internal.pipeline.preview;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RuleId;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.analysis.command.StatementReader;
import io.backstop.jdbc.internal.analysis.detail.ReturningRows;
import io.backstop.jdbc.internal.analysis.detail.WordsOfText;
import io.backstop.jdbc.internal.analysis.rule.FunctionRules;
import io.backstop.jdbc.internal.analysis.rule.ReviewedFunctions;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.StatementSplitter;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;
import io.backstop.jdbc.internal.pipeline.preview.ReachedCode.Routine;
import io.backstop.jdbc.policy.Judge;

import java.util.Collections;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Why a held statement must not be run to see what it does: because a rollback would not undo all of it, or because that
 * cannot be told. Pure.
 */
public final class PreviewObstacle {
    private static final Set<CommandTag> ROW_WRITES =
            Set.of(CommandTag.INSERT, CommandTag.UPDATE, CommandTag.DELETE, CommandTag.MERGE);

    private static final Set<CommandTag> INSIDE =
            Stream.concat(Stream.of(CommandTag.SELECT), ROW_WRITES.stream()).collect(Collectors.toUnmodifiableSet());

    /**
     * What may have raised it besides being a write: the policy, or the number of its rows. Not code of the user's, nor that
     * no condition narrows it.
     */
    private static final Set<String> RAISED_BY_POLICY =
            Set.of("impact-limit", "write-budget", "protected-table", "protected-column", "foreign-table");

    private static final Set<RuleId> WRITES =
            Set.of(Rule.INSERT.id(), Rule.UPDATE.id(), Rule.DELETE.id(), Rule.MERGE.id());

    private static final String FOREIGN_TABLE = "f";
    private static final Set<String> READABLE = Set.of("sql", "plpgsql");

    /** VOLATILE functions of PostgreSQL's whose effect, if they have one, ends with the rollback. */
    private static final Set<String> UNDONE = Set.of(
            "array_sample",
            "array_shuffle",
            "bernoulli",
            "clock_timestamp",
            "current_query",
            "currval",
            "gen_random_uuid",
            "lastval",
            "pg_advisory_xact_lock",
            "pg_advisory_xact_lock_shared",
            "pg_notify",
            "pg_relation_size",
            "pg_table_size",
            "pg_total_relation_size",
            "pg_try_advisory_xact_lock",
            "pg_try_advisory_xact_lock_shared",
            "random",
            "random_normal",
            "suppress_redundant_updates_trigger",
            "system",
            "timeofday",
            "timezone",
            "tsvector_update_trigger",
            "tsvector_update_trigger_column",
            "uuidv4",
            "uuidv7");

    /** What a body names that a rollback does not undo, that runs what stands elsewhere, locks whole tables or hides rows. */
    private static final Set<String> COMMANDS = Set.of(
            "alter",
            "call",
            "checkpoint",
            "commit",
            "copy",
            "create",
            "deallocate",
            "discard",
            "drop",
            "execute",
            "import",
            "load",
            "lock",
            "prepare",
            "refresh",
            "rollback",
            "track_counts",
            "truncate");

    /** With these in a body, defaults may be evaluated. */
    private static final Set<String> INSERTING = Set.of("insert", "merge", "default");

    private static final String DEFAULT = "default";

    /** They may compute defaults for the rows that are there, also by the default of a domain. */
    private static final Set<CommandTag> DEFINITIONS =
            Collections.unmodifiableSet(EnumSet.range(CommandTag.CREATE_ACCESS_METHOD, CommandTag.DROP_VIEW));

    private PreviewObstacle() {}

    /** Whether it is of the kind of which a run may be tried: one write of rows that a condition or its values narrow. */
    static boolean isScopedWrite(Assessment assessment) {
        return assessment.statements().size() == 1
                && isScopedWrite(assessment.statements().get(0));
    }

    /** Whether a text that was put together is still one such write. */
    static boolean isScopedWrite(String text, boolean standardConformingStrings) {
        TokenList tokens = Lexer.scan(text, standardConformingStrings);
        List<TokenSpan> statements = StatementSplitter.split(tokens);
        return statements.size() == 1
                && !ReturningRows.hasPlaceholder(text, standardConformingStrings)
                && isScopedWrite(StatementReader.read(tokens, statements.get(0)).assessment());
    }

    private static boolean isScopedWrite(StatementAssessment only) {
        return ROW_WRITES.contains(only.tag())
                && INSIDE.containsAll(only.inner())
                && only.findings().stream().map(Finding::rule).allMatch(PreviewObstacle::isNarrow);
    }

    private static boolean isNarrow(RuleId rule) {
        return WRITES.contains(rule) || RAISED_BY_POLICY.contains(rule.value());
    }

    /** Why such a write must not be run: the end of a sentence that says so; empty where it may. */
    static Optional<String> in(Assessment assessment, String sql, ReachedCode reached) {
        if (reached.relationKinds().contains(FOREIGN_TABLE)
                || assessment.findings().stream()
                        .anyMatch(finding -> finding.rule().equals(Judge.FOREIGN_TABLE))) {
            return Optional.of("it may reach a foreign table");
        }
        Set<String> words = WordsOfText.in(sql);
        Optional<String> obstacle =
                lasting(words).map(name -> "it names " + name + ", whose effect a rollback may not undo");
        if (obstacle.isEmpty()) {
            obstacle = inCode(reached);
        }
        if (obstacle.isEmpty() && evaluatesDefaults(assessment, words, reached)) {
            obstacle = lasting(reached.defaults())
                    .map(name -> "a default calls " + name + ", whose effect a rollback does not undo");
        }
        return obstacle;
    }

    /** Whether something that any statement does may outlive its rollback, by its own text or by code that it sets off. */
    public static boolean outlivesRollback(Assessment assessment, String sql, ReachedCode reached) {
        return in(assessment, sql, reached).isPresent()
                || assessment.statements().stream()
                        .anyMatch(each -> DEFINITIONS.contains(each.tag())
                                && lasting(reached.defaults()).isPresent());
    }

    private static Optional<String> inCode(ReachedCode reached) {
        if (reached.rewritten()) {
            return Optional.of("it may set off a rule");
        }
        for (Routine routine : reached.routines()) {
            if (routine.isUsers() && !READABLE.contains(routine.language())) {
                return Optional.of("it may run function " + routine.name() + " in " + routine.language());
            }
            if (!routine.isUsers()
                    && routine.isVolatile()
                    && !ReviewedFunctions.harmless(routine.extension(), routine.name())) {
                return Optional.of("it may run function " + routine.name() + " of extension " + routine.extension());
            }
        }
        if (!reached.isReadable()) {
            return Optional.of("it may run code that puts text together");
        }
        return reached.words().stream()
                .filter(COMMANDS::contains)
                .findFirst()
                .or(() -> lasting(reached.words()))
                .map(word -> "code that it may run names " + word);
    }

    /** The first name of a function whose effect may outlive a rollback. */
    private static Optional<String> lasting(Set<String> names) {
        return names.stream()
                .filter(name -> !UNDONE.contains(name)
                        && (ReviewedFunctions.holds(name)
                                || FunctionRules.of(Optional.empty(), name).isPresent()))
                .sorted()
                .findFirst();
    }

    private static boolean evaluatesDefaults(Assessment assessment, Set<String> words, ReachedCode reached) {
        Set<CommandTag> commands = new HashSet<>();
        for (StatementAssessment statement : assessment.statements()) {
            commands.add(statement.tag());
            commands.addAll(statement.inner());
        }
        return commands.contains(CommandTag.INSERT)
                || commands.contains(CommandTag.MERGE)
                || words.contains(DEFAULT)
                || reached.setsDefaults()
                || reached.words().stream().anyMatch(INSERTING::contains);
    }
}
