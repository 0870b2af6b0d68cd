package io.backstop.jdbc.pipeline;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditSink;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.analysis.SecretMask;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Records SAFE statements in batches, in a thread of its own, so that reading never waits for the control store. What is
 * not yet recorded waits in a bounded queue; when that is full because the store is away, further records are dropped and
 * their number is logged. Thread-safe.
 */
final class SafeStatementRecorder implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SafeStatementRecorder.class);
    private static final int CAPACITY = 5_000;
    /** How much of a text is recorded, in characters, so that what waits is bounded in bytes too. */
    private static final int LONGEST_TEXT = 4_000;

    private static final int BATCH = 500;
    private static final Duration RETRY_AFTER = Duration.ofSeconds(1);

    private final BlockingQueue<Entry> waiting = new ArrayBlockingQueue<>(CAPACITY);
    private final AtomicLong dropped = new AtomicLong();
    private final AuditSink sink;
    private final Clock clock;
    private final Thread writer;
    private volatile boolean closing;

    SafeStatementRecorder(AuditSink sink, Clock clock) {
        this.sink = sink;
        this.clock = clock;
        this.writer = new Thread(this::write, "backstop-audit");
        writer.setDaemon(true);
        writer.start();
    }

    void offer(String agentId, String database, Submission submission) {
        String sql = submission.sql();
        String kept = sql.length() <= LONGEST_TEXT ? sql : sql.substring(0, LONGEST_TEXT) + "…";
        Entry entry = new Entry(
                clock.instant(),
                agentId,
                database,
                kept,
                submission.standardConformingStrings(),
                submission.assessment());
        if (!waiting.offer(entry)) {
            dropped.incrementAndGet();
        }
    }

    private void write() {
        List<Entry> batch = new ArrayList<>(BATCH);
        try {
            while (!closing || !waiting.isEmpty()) {
                Entry first = waiting.poll(100, TimeUnit.MILLISECONDS);
                if (first != null) {
                    batch.add(first);
                    waiting.drainTo(batch, BATCH - 1);
                    store(batch);
                    batch.clear();
                }
            }
        } catch (InterruptedException e) {
            LOG.warn("{} records of SAFE statements were not written", waiting.size() + batch.size());
        }
    }

    private void store(List<Entry> batch) throws InterruptedException {
        List<AuditEvent> events = batch.stream().map(Entry::event).toList();
        while (true) {
            try {
                sink.append(events);
                long lost = dropped.getAndSet(0);
                if (lost > 0) {
                    LOG.warn("{} records of SAFE statements were dropped while the control store was away", lost);
                }
                return;
            } catch (ControlStoreUnavailableException e) {
                if (closing) {
                    LOG.warn("{} records of SAFE statements were not written: {}", events.size(), e.getMessage());
                    return;
                }
                Thread.sleep(RETRY_AFTER.toMillis());
            }
        }
    }

    /** Writes what is still waiting, then ends. */
    @Override
    public void close() {
        closing = true;
        try {
            writer.join(Duration.ofSeconds(10).toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        writer.interrupt();
    }

    private record Entry(
            Instant at,
            String agentId,
            String database,
            String sql,
            boolean standardConformingStrings,
            Assessment assessment) {
        AuditEvent event() {
            return new AuditEvent(
                    at,
                    AuditEvent.Kind.DECISION,
                    agentId,
                    database,
                    SecretMask.mask(sql, standardConformingStrings),
                    "",
                    assessment.operation(),
                    List.of(),
                    RiskLevel.SAFE,
                    "allowed",
                    Optional.empty(),
                    Optional.empty());
        }
    }
}
