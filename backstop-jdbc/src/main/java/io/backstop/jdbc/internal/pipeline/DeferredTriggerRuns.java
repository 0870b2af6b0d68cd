package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;

import java.util.Set;

/** The commands with which the triggers run that a transaction has deferred. Stateless, thread-safe. */
final class DeferredTriggerRuns {
    private static final Set<CommandTag> COMMITS = Set.of(CommandTag.COMMIT, CommandTag.PREPARE_TRANSACTION);

    private DeferredTriggerRuns() {}

    static boolean in(Assessment assessment) {
        return commits(assessment) || holds(assessment, CommandTag.SET_CONSTRAINTS);
    }

    /** The same, and what drops temporary tables: nobody could tell afterwards which definitions went with these. */
    static boolean areLookedAtBefore(Assessment assessment) {
        return in(assessment) || holds(assessment, CommandTag.DISCARD);
    }

    private static boolean holds(Assessment assessment, CommandTag tag) {
        return assessment.statements().stream().anyMatch(each -> each.tag() == tag);
    }

    static boolean commits(Assessment assessment) {
        return assessment.statements().stream().anyMatch(each -> COMMITS.contains(each.tag()));
    }
}
