package io.backstop.jdbc.internal.pipeline.audit;

import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditEvent.Kind;
import io.backstop.api.audit.AuditSink;
import io.backstop.api.error.ControlStoreUnavailableException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** No outcome is lost, whatever happens to the store or to the recorder's thread. */
@Timeout(60)
class OutcomeRecorderTest {
    private final List<AuditEvent> recorded = new CopyOnWriteArrayList<>();
    private volatile Supplier<Throwable> failure = () -> null;
    private volatile @Nullable Thread recordersThread;
    private final OutcomeRecorder recorder = new OutcomeRecorder(this::append);

    @AfterEach
    void close() {
        recorder.close();
    }

    private void append(List<AuditEvent> events) throws ControlStoreUnavailableException {
        recordersThread = Thread.currentThread();
        Throwable problem = failure.get();
        if (problem instanceof ControlStoreUnavailableException away) {
            throw away;
        }
        if (problem instanceof RuntimeException broken) {
            throw broken;
        }
        if (problem instanceof Error error) {
            throw error;
        }
        recorded.addAll(events);
    }

    private static ControlStoreUnavailableException away() {
        return new ControlStoreUnavailableException("the store is away", "look for it");
    }

    private static AuditEvent outcome(String sql) {
        return AuditEvents.of(Kind.OUTCOME, sql);
    }

    private void awaitRecorded(int count) {
        while (recorded.size() < count) {
            Thread.onSpinWait();
        }
    }

    @Test
    void outcomes_are_recorded_in_their_order() throws Exception {
        for (int i = 0; i < 2_000; i++) {
            recorder.add(outcome("s" + i));
        }
        recorder.close();
        assertThat(recorded)
                .extracting(AuditEvent::sql)
                .containsExactlyElementsOf(
                        IntStream.range(0, 2_000).mapToObj(i -> "s" + i).toList());
    }

    @Test
    void none_is_dropped_while_the_store_is_away_however_many_there_are() throws Exception {
        failure = OutcomeRecorderTest::away;
        for (int i = 0; i < 20_000; i++) {
            recorder.add(outcome("s" + i));
        }
        assertThatThrownBy(recorder::requireRecorded).isInstanceOf(ControlStoreUnavailableException.class);
        failure = () -> null;
        recorder.close();
        assertThat(recorded).hasSize(20_000);
    }

    @Test
    void no_further_statement_is_let_through_until_the_outcome_is_recorded() throws Exception {
        recorder.requireRecorded();
        failure = OutcomeRecorderTest::away;
        recorder.add(outcome("DELETE"));
        for (int i = 0; i < 3; i++) {
            awaitRefusal();
            assertThatThrownBy(recorder::requireRecorded)
                    .isInstanceOf(ControlStoreUnavailableException.class)
                    .hasMessage(
                            "no further statement runs before the outcomes of 1 that have run are recorded: the store"
                                    + " is away\nHINT: look for it");
        }
        failure = () -> null;
        recorder.requireRecorded(); // asks the recorder to try again, and is let through
        assertThat(recorded).hasSize(1);
    }

    /** The recorder learns of the store's failure when it tries to record. */
    private void awaitRefusal() {
        while (true) {
            try {
                recorder.requireRecorded();
            } catch (ControlStoreUnavailableException e) {
                return;
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            classes = {
                IllegalStateException.class,
                OutOfMemoryError.class,
                StackOverflowError.class,
                NoClassDefFoundError.class,
                ThreadDeath.class
            })
    @SuppressWarnings("removal") // ThreadDeath is what Thread.stop throws on the Java versions that have it
    void whatever_the_store_throws_the_thread_goes_on_and_keeps_the_outcome(Class<? extends Throwable> thrown)
            throws Exception {
        failure = () -> {
            try {
                return thrown.getConstructor().newInstance();
            } catch (ReflectiveOperationException e) {
                throw new LinkageError("it has a constructor without parameters", e);
            }
        };
        recorder.add(outcome("DELETE"));
        awaitRefusal();
        assertThatThrownBy(recorder::requireRecorded)
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessageContaining(thrown.getName())
                .hasCauseInstanceOf(thrown);
        failure = () -> null;
        recorder.requireRecorded();
        assertThat(recorded).hasSize(1);
    }

    @Test
    void an_interrupt_from_outside_costs_nothing() throws Exception {
        recorder.add(outcome("first"));
        awaitRecorded(1);
        for (int i = 0; i < 100; i++) {
            Objects.requireNonNull(recordersThread).interrupt();
            recorder.add(outcome("s" + i));
            awaitRecorded(i + 2);
        }
    }

    @Test
    void an_outcome_that_comes_after_the_end_is_recorded_by_its_own_thread() {
        recorder.close();
        recorder.add(outcome("DELETE"));
        assertThat(recorded).hasSize(1);
    }

    @Test
    void one_who_is_interrupted_while_it_waits_is_refused_and_stays_interrupted() throws Exception {
        CountDownLatch hang = new CountDownLatch(1);
        CountDownLatch hanging = new CountDownLatch(1);
        AuditSink sink = events -> {
            hanging.countDown();
            try {
                hang.await();
            } catch (InterruptedException e) {
                throw away();
            }
        };
        OutcomeRecorder waited = new OutcomeRecorder(sink);
        for (int i = 0; i < 1_000; i++) {
            waited.add(outcome("s" + i));
        }
        hanging.await();
        Thread.currentThread().interrupt();
        try {
            assertThatThrownBy(waited::requireRecorded).isInstanceOf(ControlStoreUnavailableException.class);
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
        hang.countDown();
        waited.requireRecorded();
        waited.close();
    }
}
