package io.backstop.jdbc.internal.approval;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.approval.ExpectedImpact;
import io.backstop.api.control.ApprovalStore;
import io.backstop.api.error.ApprovalDeniedException;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.jdbc.control.SqlControlStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/** A request that is decided while the hook looks at it is neither lost nor made twice. */
class DecidedMeanwhileTest {
    private static final Duration LIFETIME = Duration.ofMinutes(15);
    private static final ApprovalRequest REQUEST = new ApprovalRequest(
            "TRUNCATE users",
            "ab".repeat(32),
            "agent",
            "localhost:5432/shop",
            "app",
            "public",
            "TRUNCATE",
            List.of("users"),
            RiskLevel.CRITICAL,
            List.of("removes every row"));

    @TempDir
    private Path folder;

    private SqlControlStore control;
    private ApprovalStore store;

    @BeforeEach
    void open() throws Exception {
        control = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
        store = control.approvals();
    }

    @AfterEach
    void close() {
        control.close();
    }

    @Test
    void a_request_is_previewed_once_however_often_it_is_looked_at() throws Exception {
        AtomicInteger previews = new AtomicInteger();
        AtomicInteger opened = new AtomicInteger();
        ApprovalStore raced = (ApprovalStore) Proxy.newProxyInstance(
                ApprovalStore.class.getClassLoader(),
                new Class<?>[] {ApprovalStore.class},
                (proxy, method, arguments) -> {
                    Object answer = method.invoke(store, arguments);
                    if (answer instanceof Approval approval
                            && method.getName().equals("open")
                            && opened.incrementAndGet() < 5) {
                        store.decide(approval.id(), true, "ops");
                        store.consume(approval.id(), REQUEST); // another sender was quicker
                        return store.find(approval.id()).orElseThrow();
                    }
                    return answer;
                });
        StoreApprovalHook hook = new StoreApprovalHook(
                raced, Optional.empty(), LIFETIME, false, new SpentApprovals(), Clock.systemUTC());
        assertThatThrownBy(() -> hook.obtain(REQUEST, () -> {
                    previews.incrementAndGet();
                    return ExpectedImpact.UNKNOWN;
                }))
                .isInstanceOf(ApprovalRequiredException.class);
        assertThat(opened).hasValue(5);
        assertThat(previews).hasValue(1);
    }

    /** What happens between the answer to a question and the next question. */
    private interface Meanwhile {
        void happens() throws Exception;
    }

    /** A hook over the store, where something happens right after the first answer to one question. */
    private StoreApprovalHook hook(String question, Meanwhile meanwhile) {
        boolean[] happened = new boolean[1];
        ApprovalStore raced = (ApprovalStore) Proxy.newProxyInstance(
                ApprovalStore.class.getClassLoader(),
                new Class<?>[] {ApprovalStore.class},
                (proxy, method, arguments) -> {
                    try {
                        Object answer = method.invoke(store, arguments);
                        if (method.getName().equals(question) && !happened[0]) {
                            happened[0] = true;
                            meanwhile.happens();
                        }
                        return answer;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
        return new StoreApprovalHook(raced, Optional.empty(), LIFETIME, false, new SpentApprovals(), Clock.systemUTC());
    }

    private void decide(boolean approve) throws Exception {
        Approval pending = store.open(REQUEST, LIFETIME);
        store.decide(pending.id(), approve, "ops");
    }

    @Test
    void a_request_approved_right_after_the_look_at_it_is_the_one_that_runs() throws Exception {
        Approval pending = store.open(REQUEST, LIFETIME);
        StoreApprovalHook hook = hook("newest", () -> decide(true));
        ApprovalRequiredException held =
                catchThrowableOfType(ApprovalRequiredException.class, () -> hook.obtain(REQUEST));
        assertThat(held.approvalId()).isEqualTo(pending.id());
        assertThat(hook.obtain(REQUEST)).isEqualTo(pending.id());
        assertThat(store.list(ApprovalState.values())).hasSize(1);
    }

    @Test
    void a_request_made_and_approved_between_two_looks_is_used() throws Exception {
        StoreApprovalHook hook = hook("newest", () -> decide(true));
        String used = hook.obtain(REQUEST);
        assertThat(store.find(used).orElseThrow().state()).isEqualTo(ApprovalState.CONSUMED);
        assertThat(store.list(ApprovalState.values())).hasSize(1);
    }

    @Test
    void a_request_made_and_denied_between_two_looks_is_denied() throws Exception {
        StoreApprovalHook hook = hook("newest", () -> decide(false));
        assertThatThrownBy(() -> hook.obtain(REQUEST)).isInstanceOf(ApprovalDeniedException.class);
        assertThat(store.list(ApprovalState.values())).hasSize(1);
    }

    @Test
    void an_approval_that_another_took_between_two_looks_is_asked_for_anew() throws Exception {
        decide(true);
        StoreApprovalHook hook = hook(
                "newest",
                () -> assertThat(store.consume(
                                store.newest(REQUEST).orElseThrow().id(), REQUEST))
                        .isTrue());
        ApprovalRequiredException held =
                catchThrowableOfType(ApprovalRequiredException.class, () -> hook.obtain(REQUEST));
        assertThat(store.find(held.approvalId()).orElseThrow().state()).isEqualTo(ApprovalState.PENDING);
        assertThat(store.list(ApprovalState.values())).hasSize(2);
    }
}
