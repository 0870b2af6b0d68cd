package io.backstop.api.audit;

import io.backstop.api.error.ControlStoreUnavailableException;

import java.util.List;
import java.util.Optional;

/**
 * An audit sink that can be read and verified: each record's hash covers the record before it. Implementations are
 * thread-safe.
 */
public interface AuditLog extends AuditSink {
    /** The newest records, newest first, at most {@code limit}. */
    default List<AuditRecord> newest(int limit) throws ControlStoreUnavailableException {
        return newest(AuditQuery.unfiltered(limit));
    }

    /** The newest of the records that the query asks for, newest first. */
    List<AuditRecord> newest(AuditQuery query) throws ControlStoreUnavailableException;

    /**
     * The records that follow one in the log, oldest first.
     *
     * @param sequence of the last that is known; 0 for none
     * @param limit how many at most, from 1
     */
    List<AuditRecord> after(long sequence, int limit) throws ControlStoreUnavailableException;

    /** The sequence number of the newest record; 0 where there is none. */
    long lastSequence() throws ControlStoreUnavailableException;

    /** The record of this sequence number. */
    Optional<AuditRecord> record(long sequence) throws ControlStoreUnavailableException;

    /** The sequence number of the first record that was changed, removed or put in, if any was. */
    Optional<Long> firstBroken() throws ControlStoreUnavailableException;
}
