package io.backstop.jdbc.internal.pipeline.audit;

import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditSink;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.ControlStoreUnavailableException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Records, in a thread of its own, what came of statements that were let through. None is dropped: while one cannot be
 * recorded, no further statement is let through that would have an outcome. Thread-safe.
 */
public final class OutcomeRecorder implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(OutcomeRecorder.class);
    private static final int BATCH = 500;

    /** So many outcomes may wait for a store that is slow. */
    private static final int MOST_WAITING = 1_000;

    private static final Duration RETRY_AFTER = Duration.ofSeconds(1);
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(5);
    private static final Duration LAST_RECORDS = Duration.ofSeconds(10);

    private final AuditSink sink;
    private final WorkerThread worker;

    /** Guards what follows. Nothing is recorded under it. */
    private final ReentrantLock lock = new ReentrantLock();

    private final Condition changed = lock.newCondition();
    private final ArrayDeque<AuditEvent> waiting = new ArrayDeque<>();
    private long begun;
    private long finished;
    private boolean wanted;
    private boolean closing;
    private long lastTry;
    private boolean ended;
    private @Nullable Throwable failure;

    public OutcomeRecorder(AuditSink sink) {
        this.sink = sink;
        this.worker = new WorkerThread("backstop-outcomes", LAST_RECORDS, new Recording());
        worker.start();
    }

    /** Never waits, unless this recorder was closed: then it records in the caller's thread. Never fails. */
    void add(AuditEvent outcome) {
        lock.lock();
        try {
            if (!ended) {
                waiting.add(outcome);
                changed.signalAll();
                return;
            }
        } finally {
            lock.unlock();
        }
        recordLate(outcome);
    }

    private void recordLate(AuditEvent outcome) {
        try {
            sink.append(List.of(outcome));
        } catch (ControlStoreUnavailableException | RuntimeException | Error e) {
            LOG.error("the outcome of a statement that ended after its guard was closed is not recorded", e);
        }
    }

    /**
     * Returns once earlier outcomes are recorded, or are about to be.
     *
     * @throws ControlStoreUnavailableException where they cannot be recorded now
     */
    void requireRecorded() throws ControlStoreUnavailableException {
        lock.lock();
        try {
            if (!behind()) {
                return;
            }
            wanted = true;
            changed.signalAll();
            long next = begun + 1;
            long left = LONGEST_WAIT.toNanos();
            while (behind() && finished < next && left > 0 && !ended) {
                left = changed.awaitNanos(left);
            }
            if (behind()) {
                throw unrecorded();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unrecorded();
        } finally {
            lock.unlock();
        }
    }

    private boolean behind() {
        return failure != null || waiting.size() >= MOST_WAITING;
    }

    private ControlStoreUnavailableException unrecorded() {
        Throwable cause = failure;
        String problem =
                "no further statement runs before the outcomes of " + waiting.size() + " that have run are recorded";
        if (cause instanceof BackstopException known) {
            return new ControlStoreUnavailableException(problem + ": " + known.problem(), known.hint(), known);
        }
        if (cause != null) {
            return new ControlStoreUnavailableException(
                    problem + ": " + cause.getClass().getName(), "see the cause of this error", cause);
        }
        return new ControlStoreUnavailableException(
                problem, "send the statement again; if that does not help, look at the disk of the control store");
    }

    /** Records what is waiting, for at most ten seconds, then ends. */
    @Override
    public void close() {
        lock.lock();
        try {
            closing = true;
            lastTry = begun + 1;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        worker.close();
        int lost;
        lock.lock();
        try {
            ended = true;
            lost = waiting.size();
        } finally {
            lock.unlock();
        }
        if (lost > 0) {
            LOG.error("the outcomes of {} statements are not recorded: the control store was away at the end", lost);
        }
    }

    /** The work of the recorder's thread, which alone removes outcomes. */
    private final class Recording implements WorkerThread.Work {
        @Override
        public void once() throws InterruptedException {
            List<AuditEvent> batch = nextBatch();
            if (batch.isEmpty()) {
                return;
            }
            Throwable problem = null;
            try {
                sink.append(batch);
            } catch (Throwable e) {
                problem = e;
            }
            if (recorded(batch.size(), problem)) {
                LOG.warn(
                        "outcomes of statements cannot be recorded, and further writes are refused: {}",
                        String.valueOf(problem));
            }
        }

        private List<AuditEvent> nextBatch() throws InterruptedException {
            lock.lock();
            try {
                long left = RETRY_AFTER.toNanos();
                while (!closing && left > 0 && (waiting.isEmpty() || (failure != null && !wanted))) {
                    left = changed.awaitNanos(left);
                }
                if (waiting.isEmpty()) {
                    return List.of();
                }
                List<AuditEvent> batch = waiting.stream().limit(BATCH).toList();
                wanted = false;
                begun++;
                return batch;
            } finally {
                lock.unlock();
            }
        }

        /** Whether it is the first failure of several. */
        private boolean recorded(int count, @Nullable Throwable problem) {
            lock.lock();
            try {
                boolean first = problem != null && failure == null;
                if (problem == null) {
                    for (int i = 0; i < count; i++) {
                        waiting.remove();
                    }
                }
                failure = problem;
                finished = begun;
                changed.signalAll();
                return first;
            } finally {
                lock.unlock();
            }
        }

        @Override
        public boolean done() {
            lock.lock();
            try {
                ended = waiting.isEmpty() || (failure != null && finished >= lastTry);
                return ended;
            } finally {
                lock.unlock();
            }
        }
    }
}
