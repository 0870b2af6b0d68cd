package io.backstop.jdbc.internal.pipeline.audit;

import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditSink;
import io.backstop.api.error.ControlStoreUnavailableException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;

import static org.assertj.core.api.Assertions.assertThat;

/** To close a recorder is to wait until it has written all that it was given. */
@Timeout(60)
@ResourceLock(Resources.SYSTEM_ERR)
class BackgroundRecorderTest {
    private final List<AuditEvent> recorded = new CopyOnWriteArrayList<>();
    private final ByteArrayOutputStream log = new ByteArrayOutputStream();
    private PrintStream err;

    @BeforeEach
    void catchLog() {
        err = System.err;
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void restoreLog() {
        System.setErr(err);
    }

    @Test
    void an_event_that_cannot_be_made_costs_neither_the_thread_nor_other_events() {
        try (BackgroundRecorder recorder = new BackgroundRecorder(recorded::addAll)) {
            recorder.offer(() -> event("SELECT 1"));
            recorder.offer(() -> {
                throw new NoClassDefFoundError("a/Missing");
            });
            recorder.offer(() -> {
                throw new IllegalStateException("unmade");
            });
            recorder.offer(() -> event("SELECT 2"));
        }
        assertThat(recorded).extracting(AuditEvent::sql).containsExactly("SELECT 1", "SELECT 2");
        assertThat(log.toString(StandardCharsets.UTF_8))
                .contains("an audit record was not made", "NoClassDefFoundError: a/Missing", "unmade");
    }

    @Test
    void an_event_that_cannot_be_stored_costs_neither_the_thread_nor_other_events() {
        AuditSink sink = events -> {
            if (events.stream().anyMatch(event -> event.sql().equals("poison"))) {
                throw new NoClassDefFoundError("a/Missing");
            }
            recorded.addAll(events);
        };
        try (BackgroundRecorder recorder = new BackgroundRecorder(sink)) {
            recorder.offer(() -> event("SELECT 1"));
            recorder.offer(() -> event("poison"));
            recorder.offer(() -> event("SELECT 2"));
        }
        assertThat(recorded).extracting(AuditEvent::sql).containsExactly("SELECT 1", "SELECT 2");
        assertThat(log.toString(StandardCharsets.UTF_8))
                .contains("an audit record was not written", "NoClassDefFoundError: a/Missing");
    }

    @ParameterizedTest
    @ValueSource(classes = {OutOfMemoryError.class, StackOverflowError.class, LinkageError.class, ThreadDeath.class})
    @SuppressWarnings("removal") // ThreadDeath is what Thread.stop throws on the Java versions that have it
    void an_error_in_making_or_storing_one_costs_no_other(Class<? extends Error> thrown) {
        AuditSink sink = events -> {
            if (events.stream().anyMatch(event -> event.sql().equals("poison"))) {
                throw made(thrown);
            }
            recorded.addAll(events);
        };
        try (BackgroundRecorder recorder = new BackgroundRecorder(sink)) {
            recorder.offer(() -> event("SELECT 1"));
            recorder.offer(() -> event("poison"));
            recorder.offer(() -> {
                throw made(thrown);
            });
            recorder.offer(() -> event("SELECT 2"));
        }
        assertThat(recorded).extracting(AuditEvent::sql).containsExactly("SELECT 1", "SELECT 2");
    }

    private static Error made(Class<? extends Error> thrown) {
        try {
            return thrown.getConstructor().newInstance();
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("it has a constructor without parameters", e);
        }
    }

    @Test
    void an_interrupt_from_outside_costs_no_record() {
        AtomicBoolean away = new AtomicBoolean(true);
        AuditSink sink = events -> {
            if (away.getAndSet(false)) {
                Thread.currentThread().interrupt(); // before it waits to try again
                throw new ControlStoreUnavailableException("the store is away", "look for it");
            }
            recorded.addAll(events);
        };
        AtomicReference<Thread> thread = new AtomicReference<>();
        try (BackgroundRecorder recorder = new BackgroundRecorder(sink)) {
            recorder.offer(() -> {
                thread.set(Thread.currentThread());
                throw new IllegalStateException("no event");
            });
            while (thread.get() == null) {
                Thread.onSpinWait();
            }
            for (int i = 0; i < 100; i++) {
                Objects.requireNonNull(thread.get()).interrupt();
                recorder.offer(() -> event("SELECT"));
                while (recorded.size() < i + 1) {
                    Thread.onSpinWait();
                }
            }
        }
        assertThat(recorded).hasSize(100);
    }

    private static AuditEvent event(String sql) {
        return AuditEvents.of(AuditEvent.Kind.DECISION, sql);
    }
}
