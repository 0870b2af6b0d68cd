package io.backstop.api.audit;

import io.backstop.api.error.ControlStoreUnavailableException;

import java.util.List;

/** Records events durably. Implementations are thread-safe. */
public interface AuditSink {
    /** Returns once all of the events are durable, in this order; after a failure none of them is. */
    void append(List<AuditEvent> events) throws ControlStoreUnavailableException;
}
