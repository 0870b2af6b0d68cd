package io.backstop.jdbc.internal.pipeline.session;

import io.backstop.jdbc.internal.pipeline.statement.Execution;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.sql.Statement;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A cancellation that takes its time on the way to the server. */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CancellableExecutionTest {
    private final ExecutorService others = Executors.newCachedThreadPool();
    private final CountDownLatch onItsWay = new CountDownLatch(1);
    private final CountDownLatch arrived = new CountDownLatch(1);

    @AfterEach
    void end() {
        arrived.countDown();
        others.shutdownNow();
    }

    private CancellableExecution<String> execution() {
        return new CancellableExecution<>(
                () -> {
                    onItsWay.countDown();
                    try {
                        arrived.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                },
                () -> {},
                new Execution<>() {
                    @Override
                    public String run() {
                        return "ran";
                    }

                    @Override
                    public long[] batchCounts(String result) {
                        return new long[0];
                    }

                    @Override
                    public boolean repeatable() {
                        return true;
                    }

                    @Override
                    public Statement statement() {
                        throw new UnsupportedOperationException("nothing asks for the statement");
                    }
                });
    }

    private Future<?> stop(CancellableExecution<?> execution) throws InterruptedException {
        Future<?> stop = others.submit(() -> {
            execution.stop("it was cancelled");
            return null;
        });
        awaitUninterrupted(onItsWay);
        return stop;
    }

    /** The thread of the execution is interrupted by its stop. */
    private static void awaitUninterrupted(CountDownLatch latch) {
        boolean reached = false;
        while (!reached) {
            try {
                reached = latch.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                // the execution takes that back
            }
        }
    }

    @Test
    void nobody_else_waits_for_a_cancellation_on_its_way() throws Exception {
        CancellableExecution<String> execution = execution();
        Future<?> stop = stop(execution);
        assertThat(execution.sent()).isFalse();
        assertThat(execution.failedWith(new java.sql.SQLException("another"))).isFalse();
        assertThat(stop.isDone()).isFalse();
        arrived.countDown();
        execution.end();
        stop.get(20, TimeUnit.SECONDS);
        assertThat(Thread.interrupted()).isFalse();
    }

    @Test
    void the_end_waits_until_a_cancellation_hits_no_other_statement() throws Exception {
        CancellableExecution<String> execution = execution();
        Future<?> stop = stop(execution);
        CountDownLatch over = new CountDownLatch(1);
        Future<?> end = others.submit(() -> {
            execution.end();
            over.countDown();
        });
        assertThat(over.getCount()).isOne();
        arrived.countDown();
        end.get(20, TimeUnit.SECONDS);
        stop.get(20, TimeUnit.SECONDS);
        assertThat(over.getCount()).isZero();
    }

    @Test
    void a_stopped_execution_does_not_run() throws Exception {
        CancellableExecution<String> execution = execution();
        Future<?> stop = stop(execution);
        arrived.countDown();
        assertThatThrownBy(execution::run)
                .hasMessageContaining("the statement did not run, or was undone: it was cancelled")
                .hasFieldOrPropertyWithValue("SQLState", "57014");
        stop.get(20, TimeUnit.SECONDS);
        assertThat(Thread.interrupted()).isFalse();
    }
}
