package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.approval.ApprovalHook;
import io.backstop.api.control.ControlStore;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SnapshotService;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.jdbc.policy.PolicySource;

import java.time.Clock;
import java.util.Optional;

/** What a pipeline is put together from. */
public record PipelineParts(
        SqlAnalyzer analyzer,
        PolicySource policies,
        ControlStore store,
        ApprovalHook approvals,
        Optional<SnapshotService> snapshots,
        Progress progress,
        Clock clock) {}
