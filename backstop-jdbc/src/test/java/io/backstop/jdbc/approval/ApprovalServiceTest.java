package io.backstop.jdbc.approval;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalDecision;
import io.backstop.api.approval.ApprovalDecision.AlreadyDecided;
import io.backstop.api.approval.ApprovalDecision.Decided;
import io.backstop.api.approval.ApprovalDecision.NotYours;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.approval.ApprovalState;
import io.backstop.jdbc.control.SqlControlStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ApprovalServiceTest {
    private static final Decider OPS = Decider.named("ops");

    @TempDir
    private Path folder;

    private SqlControlStore store;
    private ApprovalService service;
    private Approval request;

    @BeforeEach
    void open() throws Exception {
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
        service = new ApprovalService(store.approvals());
        request = store.approvals()
                .open(
                        new ApprovalRequest(
                                "DROP TABLE users",
                                "ab".repeat(32),
                                "agent",
                                "localhost:5432/shop",
                                "app",
                                "public",
                                "DROP TABLE",
                                List.of("users"),
                                RiskLevel.CRITICAL,
                                List.of("drops table users")),
                        Duration.ofMinutes(15));
    }

    @AfterEach
    void close() {
        store.close();
    }

    @Test
    void an_operator_decides() throws Exception {
        assertThat(service.approve(request.id(), OPS))
                .hasValueSatisfying(made -> assertThat(made)
                        .isInstanceOf(Decided.class)
                        .extracting(ApprovalDecision::approval)
                        .satisfies(approval -> {
                            assertThat(approval.state()).isEqualTo(ApprovalState.APPROVED);
                            assertThat(approval.decidedBy()).contains("ops");
                        }));
    }

    @Test
    void nobody_approves_a_request_of_their_own() throws Exception {
        for (Decider self : List.of(
                Decider.named("agent"),
                new Decider("some-token", Optional.of("agent")),
                new Decider("agent", Optional.of("another")))) {
            assertThat(service.approve(request.id(), self))
                    .hasValueSatisfying(made -> assertThat(made).isInstanceOf(NotYours.class));
            assertThat(store.approvals().find(request.id()).orElseThrow().state())
                    .isEqualTo(ApprovalState.PENDING);
        }
    }

    @Test
    void an_agent_may_withdraw_its_own_request() throws Exception {
        assertThat(service.deny(request.id(), Decider.named("agent")))
                .hasValueSatisfying(made -> assertThat(made).isInstanceOf(Decided.class));
    }

    @Test
    void a_second_decision_tells_who_made_the_first() throws Exception {
        service.deny(request.id(), OPS);
        assertThat(service.approve(request.id(), Decider.named("late")))
                .hasValueSatisfying(made -> assertThat(made)
                        .isInstanceOf(AlreadyDecided.class)
                        .extracting(ApprovalDecision::approval)
                        .satisfies(approval -> {
                            assertThat(approval.state()).isEqualTo(ApprovalState.DENIED);
                            assertThat(approval.decidedBy()).contains("ops");
                        }));
    }

    @Test
    void of_many_who_decide_alike_at_once_one_does() throws Exception {
        int operators = 8;
        CyclicBarrier together = new CyclicBarrier(operators);
        ExecutorService threads = Executors.newFixedThreadPool(operators);
        try {
            List<Future<ApprovalDecision>> made = new ArrayList<>();
            for (int i = 0; i < operators; i++) {
                made.add(threads.submit(() -> {
                    together.await();
                    return service.approve(request.id(), OPS).orElseThrow();
                }));
            }
            int decided = 0;
            for (Future<ApprovalDecision> each : made) {
                decided += each.get() instanceof Decided ? 1 : 0;
            }
            assertThat(decided).isEqualTo(1);
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void an_unknown_request_is_told_apart() throws Exception {
        assertThat(service.approve("appr_unknown", OPS)).isEmpty();
        assertThat(service.deny("appr_unknown", OPS)).isEmpty();
    }

    @Test
    void nobody_decides_without_a_name() {
        assertThatThrownBy(() -> Decider.named(" ")).isInstanceOf(IllegalArgumentException.class);
    }
}
