package io.backstop.jdbc.internal.pipeline.event;

import io.backstop.api.event.GuardListener;
import io.backstop.jdbc.internal.pipeline.audit.WorkerThread;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Delivers events to listeners in a thread of its own, so that none of them can delay or break a statement. Without
 * listeners there is no thread, and an event costs nothing. Thread-safe.
 */
public final class GuardEvents implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GuardEvents.class);
    private static final int CAPACITY = 10_000;
    private static final Duration LAST_DELIVERIES = Duration.ofSeconds(5);

    private final List<GuardListener> listeners;
    private final BlockingQueue<Consumer<GuardListener>> waiting = new ArrayBlockingQueue<>(CAPACITY);
    private final AtomicLong dropped = new AtomicLong();
    private final @Nullable WorkerThread delivery;
    private volatile boolean closing;

    public GuardEvents(List<GuardListener> listeners) {
        this.listeners = List.copyOf(listeners);
        if (this.listeners.isEmpty()) {
            this.delivery = null;
        } else {
            this.delivery = new WorkerThread("backstop-events", LAST_DELIVERIES, new Delivering());
            delivery.start();
        }
    }

    /** Whether anybody listens: else an event need not be made. */
    public boolean enabled() {
        return delivery != null;
    }

    /**
     * Never waits.
     *
     * @param event calls one method of the listener; run in the delivering thread, once for each listener
     */
    public void offer(Consumer<GuardListener> event) {
        if (enabled() && !closing && !waiting.offer(event)) {
            dropped.incrementAndGet();
        }
    }

    /** Whatever the listener throws: the next event is delivered all the same. */
    private static void deliver(Consumer<GuardListener> event, GuardListener listener) {
        try {
            event.accept(listener);
        } catch (Throwable failure) {
            // By its class alone: its message is the listener's, and may hold anything.
            LOG.warn(
                    "listener {} failed with {}",
                    listener.getClass().getName(),
                    failure.getClass().getName());
        }
    }

    private void reportDropped() {
        long lost = dropped.getAndSet(0);
        if (lost > 0) {
            LOG.warn("{} events were dropped because the listeners are too slow", lost);
        }
    }

    /** Delivers what is waiting, for at most five seconds, then ends. */
    @Override
    public void close() {
        closing = true;
        if (delivery != null) {
            delivery.close();
        }
    }

    private final class Delivering implements WorkerThread.Work {
        @Override
        public void once() throws InterruptedException {
            Consumer<GuardListener> event = waiting.poll(100, TimeUnit.MILLISECONDS);
            if (event != null) {
                listeners.forEach(listener -> deliver(event, listener));
                reportDropped();
            }
        }

        @Override
        public boolean done() {
            return waiting.isEmpty();
        }
    }
}
