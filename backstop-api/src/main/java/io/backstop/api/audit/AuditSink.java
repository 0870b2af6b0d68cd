package io.backstop.api.audit;

import io.backstop.api.error.ControlStoreUnavailableException;

/** Where events are put on the record. Implementations are thread-safe. */
public interface AuditSink {
    /** Returns once the event is durable. */
    void append(AuditEvent event) throws ControlStoreUnavailableException;
}
