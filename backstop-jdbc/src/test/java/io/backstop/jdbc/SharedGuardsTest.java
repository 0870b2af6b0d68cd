package io.backstop.jdbc;

import io.backstop.jdbc.SharedGuards.Lease;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Guards are built without holding up others, shared by those who want the same, and closed when nobody wants them. */
@Timeout(60)
class SharedGuardsTest {
    @TempDir
    private Path folder;

    private final ExecutorService others = Executors.newCachedThreadPool();
    private final SharedGuards guards = new SharedGuards(Duration.ZERO);

    @AfterEach
    void stopOthers() {
        others.shutdownNow();
        guards.close();
    }

    private Map<Setting, String> settings(String policy) {
        return Map.of(
                Setting.POLICY,
                policy,
                Setting.CONTROL,
                folder.resolve("backstop.db").toString());
    }

    private Map<Setting, String> slowSettings() {
        Map<Setting, String> settings = new EnumMap<>(settings("strict"));
        settings.put(Setting.STORAGE, folder.toUri().toString());
        return settings;
    }

    /** Begins to acquire a guard in a thread of its own, and returns once that thread builds it. */
    private Future<Lease> building(SlowStorage storage) throws InterruptedException {
        AtomicReference<Thread> builder = new AtomicReference<>();
        Future<Lease> lease = others.submit(() -> {
            Thread.currentThread().setContextClassLoader(storage);
            builder.set(Thread.currentThread());
            return guards.acquire(slowSettings());
        });
        await(() -> lease.isDone() || stands(builder.get(), "build"));
        assertThat(lease.isDone()).isFalse();
        return lease;
    }

    /** Whether the thread is in this method of the class under test. */
    private static boolean stands(@Nullable Thread thread, String method) {
        return thread != null
                && Stream.of(thread.getStackTrace())
                        .anyMatch(frame -> frame.getClassName().equals(SharedGuards.class.getName())
                                && frame.getMethodName().equals(method));
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        while (!condition.getAsBoolean()) {
            if (Thread.interrupted()) {
                throw new InterruptedException("the test took too long");
            }
            Thread.onSpinWait();
        }
    }

    private static long threadsNamed(String name) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals(name))
                .count();
    }

    @Test
    void the_same_settings_share_a_guard_and_others_do_not() throws SQLException {
        try (Lease first = guards.acquire(settings("strict"));
                Lease second = guards.acquire(settings("strict"));
                Lease other = guards.acquire(settings("application"))) {
            assertThat(second.guard()).isSameAs(first.guard());
            assertThat(other.guard()).isNotSameAs(first.guard());
        }
    }

    @Test
    void a_guard_is_closed_with_its_last_user() throws SQLException {
        Lease first = guards.acquire(settings("strict"));
        Lease second = guards.acquire(settings("strict"));
        Backstop guard = first.guard();
        first.close();
        first.close(); // releases once
        assertThat(guard.controlStore().pause().current()).isEmpty();
        second.close();
        assertThatThrownBy(() -> guard.controlStore().pause().current()).isInstanceOf(SQLException.class);
        try (Lease again = guards.acquire(settings("strict"))) {
            assertThat(again.guard()).isNotSameAs(guard);
        }
    }

    @Test
    void a_guard_that_is_wanted_again_at_once_is_the_same() throws SQLException {
        try (SharedGuards lingering = new SharedGuards(Duration.ofMinutes(10))) {
            Lease first = lingering.acquire(settings("strict"));
            Backstop guard = first.guard();
            first.close();
            try (Lease again = lingering.acquire(settings("strict"))) {
                assertThat(again.guard()).isSameAs(guard);
            }
        }
    }

    @Test
    void a_guard_that_takes_long_to_open_holds_up_no_other_settings() throws Exception {
        SlowStorage storage = new SlowStorage(folder);
        Future<Lease> slow = building(storage);
        try (Lease other = guards.acquire(settings("strict"))) {
            assertThat(other.guard()).isNotNull();
            assertThat(slow.isDone()).isFalse();
        }
        storage.open();
        try (Lease opened = slow.get()) {
            assertThat(opened.guard()).isNotNull();
        }
    }

    @Test
    void two_who_want_the_same_guard_build_it_once() throws Exception {
        SlowStorage storage = new SlowStorage(folder);
        Future<Lease> first = building(storage);
        Future<Lease> second = others.submit(() -> guards.acquire(slowSettings()));
        storage.open();
        try (Lease one = first.get();
                Lease two = second.get()) {
            assertThat(two.guard()).isSameAs(one.guard());
        }
    }

    @Test
    void a_guard_that_cannot_be_built_is_refused_to_each_and_leaves_nothing() {
        Map<Setting, String> wrong = settings(folder.resolve("missing.json").toString());
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> guards.acquire(wrong))
                    .isInstanceOf(InvalidSettingException.class)
                    .hasMessageContaining("backstop.policy");
        }
    }

    @Test
    void one_who_is_interrupted_while_another_builds_gives_its_claim_back() throws Exception {
        SlowStorage storage = new SlowStorage(folder);
        Future<Lease> building = building(storage);
        AtomicReference<Thread> waiting = new AtomicReference<>();
        Future<Lease> second = others.submit(() -> {
            waiting.set(Thread.currentThread());
            return guards.acquire(slowSettings());
        });
        await(() -> {
            Thread thread = waiting.get();
            return second.isDone() || (thread != null && thread.getState() == Thread.State.TIMED_WAITING);
        });
        Objects.requireNonNull(waiting.get()).interrupt();
        assertThatThrownBy(second::get)
                .isInstanceOf(ExecutionException.class)
                .hasRootCauseInstanceOf(InterruptedException.class);
        storage.open();
        Lease lease = building.get();
        Backstop guard = lease.guard();
        lease.close();
        assertThatThrownBy(() -> guard.controlStore().pause().current()).isInstanceOf(SQLException.class);
    }

    @Test
    void a_claim_that_is_given_back_while_the_JVM_ends_closes_quietly() throws SQLException {
        SharedGuards ending = new SharedGuards(Duration.ofMinutes(1));
        Lease before = ending.acquire(settings("strict"));
        ending.close();
        before.close();
        Lease after = ending.acquire(settings("strict"));
        Backstop guard = after.guard();
        after.close();
        assertThatThrownBy(() -> guard.controlStore().pause().current()).isInstanceOf(SQLException.class);
    }

    @Test
    void no_thread_of_a_released_guard_goes_on() throws SQLException {
        long before = threadsNamed("backstop-audit");
        try (Lease lease = guards.acquire(settings("strict"))) {
            assertThat(lease.guard()).isNotNull();
            assertThat(threadsNamed("backstop-audit")).isEqualTo(before + 1);
        }
        assertThat(threadsNamed("backstop-audit")).isEqualTo(before);
    }
}
