package io.backstop.api.control;

import io.backstop.api.audit.AuditLog;

/**
 * The state that all processes share which guard the same databases. Every method of its parts throws {@link
 * io.backstop.api.error.ControlStoreUnavailableException} if the store cannot be reached. Thread-safe, and safe among
 * processes.
 */
public interface ControlStore extends AutoCloseable {
    ApprovalStore approvals();

    PauseSwitch pause();

    AuditLog audit();

    SnapshotCatalogue snapshots();

    QuarantineLedger quarantine();

    Heartbeats heartbeats();

    WriteBudgets budgets();

    @Override
    void close();
}
