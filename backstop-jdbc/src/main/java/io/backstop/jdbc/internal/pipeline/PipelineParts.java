package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.approval.ApprovalHook;
import io.backstop.api.control.ControlStore;
import io.backstop.api.event.GuardListener;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SnapshotService;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.jdbc.policy.PolicySource;

import java.time.Clock;
import java.util.List;
import java.util.Optional;

/** What a pipeline is put together from. */
public record PipelineParts(
        SqlAnalyzer analyzer,
        PolicySource policies,
        ControlStore store,
        ApprovalHook approvals,
        Optional<SnapshotService> snapshots,
        List<GuardListener> listeners,
        Progress progress,
        Clock clock) {
    public PipelineParts {
        listeners = List.copyOf(listeners);
    }
}
