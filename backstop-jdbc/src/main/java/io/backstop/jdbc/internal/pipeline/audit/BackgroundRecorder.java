package io.backstop.jdbc.internal.pipeline.audit;

import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditSink;
import io.backstop.api.error.ControlStoreUnavailableException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * Records in batches, in a thread of its own, what changed nothing: SAFE statements, and attempts of agents in quarantine.
 * What is not yet recorded waits in a bounded queue; when that is full because the store is away, further records are
 * dropped and their number is logged. A record that cannot be made or stored at all is logged and given up; the thread and
 * the other records go on. Thread-safe.
 */
public final class BackgroundRecorder implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(BackgroundRecorder.class);
    private static final int CAPACITY = 5_000;
    private static final int BATCH = 500;
    private static final Duration RETRY_AFTER = Duration.ofSeconds(1);
    private static final Duration LAST_RECORDS = Duration.ofSeconds(10);

    private final BlockingQueue<Supplier<AuditEvent>> waiting = new ArrayBlockingQueue<>(CAPACITY);
    private final AtomicLong dropped = new AtomicLong();
    private final AuditSink sink;
    private final WorkerThread worker;

    public BackgroundRecorder(AuditSink sink) {
        this.sink = sink;
        this.worker = new WorkerThread("backstop-audit", LAST_RECORDS, new Recording());
        worker.start();
    }

    /** Never waits. The event is made later, in the recorder's thread. */
    void offer(Supplier<AuditEvent> event) {
        if (!waiting.offer(event)) {
            dropped.incrementAndGet();
        }
    }

    private static List<AuditEvent> made(List<Supplier<AuditEvent>> batch) {
        List<AuditEvent> events = new ArrayList<>(batch.size());
        for (Supplier<AuditEvent> event : batch) {
            try {
                events.add(event.get());
            } catch (Throwable e) {
                LOG.error("an audit record was not made", e);
            }
        }
        return events;
    }

    private void store(List<AuditEvent> events) {
        try {
            append(events);
        } catch (Throwable e) {
            if (events.size() == 1) {
                LOG.error("an audit record was not written", e);
                return;
            }
            // One of them may be what cannot be stored, and must not take the others along.
            for (AuditEvent event : events) {
                store(List.of(event));
            }
        }
    }

    /** Waits until the store takes them, or until this recorder is closed. */
    private void append(List<AuditEvent> events) {
        for (boolean first = true; ; first = false) {
            try {
                sink.append(events);
                long lost = dropped.getAndSet(0);
                if (lost > 0) {
                    LOG.warn("{} audit records were dropped while the control store was away", lost);
                }
                return;
            } catch (ControlStoreUnavailableException e) {
                if (worker.closing()) {
                    LOG.warn("{} audit records were not written: {}", events.size(), e.getMessage());
                    return;
                }
                if (first) {
                    LOG.warn("{} audit records wait for the control store: {}", events.size(), e.getMessage());
                }
                worker.pause(RETRY_AFTER);
            }
        }
    }

    /** Writes what is still waiting, for at most ten seconds, then ends. */
    @Override
    public void close() {
        worker.close();
        int left = waiting.size();
        if (left > 0) {
            LOG.warn("{} audit records were not written", left);
        }
    }

    private final class Recording implements WorkerThread.Work {
        @Override
        public void once() throws InterruptedException {
            Supplier<AuditEvent> first = waiting.poll(100, TimeUnit.MILLISECONDS);
            if (first != null) {
                List<Supplier<AuditEvent>> batch = new ArrayList<>(BATCH);
                batch.add(first);
                waiting.drainTo(batch, BATCH - 1);
                List<AuditEvent> events = made(batch);
                if (!events.isEmpty()) {
                    store(events);
                }
            }
        }

        @Override
        public boolean done() {
            return waiting.isEmpty();
        }
    }
}
