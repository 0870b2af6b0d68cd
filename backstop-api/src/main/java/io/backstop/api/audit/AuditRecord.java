package io.backstop.api.audit;

import java.util.Objects;

/**
 * An event with its number and hash in the audit log. Immutable, thread-safe.
 *
 * @param sequence its place in the log, from 1, without gaps
 * @param event what happened
 * @param hash SHA-256 over the hash before it and the event, in lower-case hex
 */
public record AuditRecord(long sequence, AuditEvent event, String hash) {
    public AuditRecord {
        Objects.requireNonNull(event, "event");
        Objects.requireNonNull(hash, "hash");
    }
}
