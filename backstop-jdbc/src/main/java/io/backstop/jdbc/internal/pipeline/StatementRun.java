package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.policy.Policy;
import io.backstop.jdbc.internal.pipeline.event.StatementEvents;
import io.backstop.jdbc.internal.pipeline.session.CancellableExecution;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;
import io.backstop.jdbc.internal.pipeline.statement.Submission;
import org.jspecify.annotations.Nullable;

/**
 * One statement's way through the pipeline.
 *
 * @param submission what arrived
 * @param text as it was read when it arrived
 * @param policy the policy at the time of its arrival
 */
record StatementRun<T extends @Nullable Object>(
        GuardedSession session,
        Submission submission,
        AssessedText text,
        Policy policy,
        CancellableExecution<T> execution,
        StatementEvents events) {}
