package io.backstop.api.control;

import io.backstop.api.audit.AuditLog;

import java.time.Clock;

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

    Alerts alerts();

    /** The time that all processes which share the store go by. Never fails: without the store it is this host's. */
    default Clock clock() {
        return Clock.systemUTC();
    }

    @Override
    void close();
}
