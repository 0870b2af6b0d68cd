package io.backstop.server;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalState;
import io.backstop.server.RunningServer.Answer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static io.backstop.server.RunningServer.AGENT;
import static io.backstop.server.RunningServer.OPS;
import static org.assertj.core.api.Assertions.assertThat;

class ApprovalEndpointsTest {
    @TempDir
    private Path folder;

    private RunningServer server;

    @BeforeEach
    void start() throws Exception {
        server = RunningServer.in(folder);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private ApprovalState state(Approval approval) throws Exception {
        return server.store.approvals().find(approval.id()).orElseThrow().state();
    }

    @Test
    void pending_lists_what_waits_and_nothing_else() throws Exception {
        Approval first = server.held("cursor-local", "DROP TABLE users");
        Approval second = server.held("other", "DROP TABLE orders");
        Approval decided = server.held("other", "DROP TABLE carts");
        server.store.approvals().decide(decided.id(), false, "somebody");
        Answer answer = server.get("/pending", OPS);
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.json().propertyNames()).containsExactly("pending");
        assertThat(answer.json().get("pending"))
                .extracting(request -> request.get("id").asString())
                .containsExactly(first.id(), second.id());
        JsonNode request = answer.json().at("/pending/0");
        assertThat(request.get("sql").asString()).isEqualTo("DROP TABLE users");
        assertThat(request.get("risk_level").asString()).isEqualTo("CRITICAL");
        assertThat(request.get("agent_id").asString()).isEqualTo("cursor-local");
        assertThat(request.get("database").asString()).isEqualTo("localhost:5432/shop");
        assertThat(request.get("state").asString()).isEqualTo("PENDING");
        assertThat(request.get("expires_at").asString()).isEqualTo("2026-05-06T12:44:00Z");
        assertThat(request.get("reasons").get(0).asString()).isEqualTo("it drops a table");
    }

    @Test
    void nothing_waiting_is_an_empty_list() throws Exception {
        assertThat(server.get("/pending", OPS).json().get("pending")).isEmpty();
    }

    @Test
    void approving_lets_the_request_run_and_records_the_tokens_id() throws Exception {
        Approval approval = server.held("cursor-local", "DROP TABLE users");
        Answer answer = server.post("/approve/" + approval.id(), OPS);
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.json().get("id").asString()).isEqualTo(approval.id());
        assertThat(answer.json().get("state").asString()).isEqualTo("APPROVED");
        assertThat(answer.json().get("decided_by").asString()).isEqualTo("ops");
        assertThat(server.store.approvals().consume(approval.id(), approval.request()))
                .isTrue();
        assertThat(server.store.audit().newest(1)).singleElement().satisfies(record -> {
            assertThat(record.event().operation()).isEqualTo("APPROVE");
            assertThat(record.event().agentId()).isEqualTo("ops");
            assertThat(record.event().approvalId()).contains(approval.id());
        });
    }

    @Test
    void denying_is_final() throws Exception {
        Approval approval = server.held("cursor-local", "DROP TABLE users");
        Answer answer = server.post("/deny/" + approval.id(), OPS);
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.json().get("state").asString()).isEqualTo("DENIED");
        Answer late = server.post("/approve/" + approval.id(), OPS);
        assertThat(late.status()).isEqualTo(409);
        assertThat(late.error()).isEqualTo("already_decided");
        assertThat(late.message())
                .isEqualTo("request " + approval.id() + " is not undecided, it is denied, decided by ops");
        assertThat(state(approval)).isEqualTo(ApprovalState.DENIED);
    }

    @Test
    void the_same_decision_again_is_a_conflict_too() throws Exception {
        Approval approval = server.held("cursor-local", "DROP TABLE users");
        server.post("/approve/" + approval.id(), OPS);
        assertThat(server.post("/approve/" + approval.id(), OPS).status()).isEqualTo(409);
        server.store.approvals().consume(approval.id(), approval.request());
        Answer used = server.post("/approve/" + approval.id(), OPS);
        assertThat(used.status()).isEqualTo(409);
        assertThat(used.message()).contains("it is consumed");
    }

    @Test
    void an_expired_request_is_a_conflict() throws Exception {
        Approval approval = server.held("cursor-local", "DROP TABLE users", Duration.ZERO);
        assertThat(server.get("/pending", OPS).json().get("pending")).isEmpty();
        Answer answer = server.post("/approve/" + approval.id(), OPS);
        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.message()).isEqualTo("request " + approval.id() + " is not undecided, it is expired");
    }

    @Test
    void an_unknown_request_is_not_found() throws Exception {
        for (String path : List.of("/approve/appr_4f9e2c1a", "/deny/appr_4f9e2c1a", "/approve/%27%20OR%201=1")) {
            Answer answer = server.post(path, OPS);
            assertThat(answer.status()).as(path).isEqualTo(404);
            assertThat(answer.error()).isEqualTo("not_found");
        }
    }

    @Test
    void an_agents_own_token_does_not_approve_its_own_request() throws Exception {
        Approval own = server.held("cursor-local", "DROP TABLE users");
        Answer answer = server.post("/approve/" + own.id(), AGENT);
        assertThat(answer.status()).isEqualTo(403);
        assertThat(answer.error()).isEqualTo("own_request");
        assertThat(answer.message())
                .isEqualTo("the token cursor belongs to the agent that made the request " + own.id()
                        + "; an agent cannot approve for itself");
        assertThat(state(own)).isEqualTo(ApprovalState.PENDING);
        assertThat(server.store.audit().newest(10)).isEmpty();
    }

    @Test
    void a_token_with_the_agents_name_does_not_approve_its_request_either() throws Exception {
        Approval own = server.held("ops", "DROP TABLE users");
        Answer answer = server.post("/approve/" + own.id(), OPS);
        assertThat(answer.status()).isEqualTo(403);
        assertThat(answer.error()).isEqualTo("own_request");
        assertThat(answer.message())
                .isEqualTo("the token ops has the name of the agent that made the request " + own.id()
                        + "; an agent cannot approve for itself");
        assertThat(state(own)).isEqualTo(ApprovalState.PENDING);
        assertThat(server.post("/deny/" + own.id(), OPS).status()).isEqualTo(200);
    }

    @Test
    void an_agents_own_token_may_deny_its_own_request_and_decide_those_of_others() throws Exception {
        Approval own = server.held("cursor-local", "DROP TABLE users");
        Approval others = server.held("other", "DROP TABLE users");
        assertThat(server.post("/deny/" + own.id(), AGENT).status()).isEqualTo(200);
        assertThat(server.post("/approve/" + others.id(), AGENT).status()).isEqualTo(200);
        assertThat(state(own)).isEqualTo(ApprovalState.DENIED);
        assertThat(state(others)).isEqualTo(ApprovalState.APPROVED);
    }

    @Test
    void a_decision_takes_no_body_that_says_something() throws Exception {
        Approval approval = server.held("cursor-local", "DROP TABLE users");
        assertThat(server.post("/approve/" + approval.id(), OPS, "{\"for\": \"everybody\"}")
                        .status())
                .isEqualTo(400);
        assertThat(state(approval)).isEqualTo(ApprovalState.PENDING);
        assertThat(server.post("/approve/" + approval.id(), OPS, "{}").status()).isEqualTo(200);
    }

    @Test
    void of_many_who_decide_at_once_one_does() throws Exception {
        Approval approval = server.held("cursor-local", "DROP TABLE users");
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            List<Future<Answer>> answers = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                String path = (i % 2 == 0 ? "/approve/" : "/deny/") + approval.id();
                answers.add(threads.submit(() -> server.post(path, OPS)));
            }
            List<Integer> statuses = new ArrayList<>();
            for (Future<Answer> answer : answers) {
                statuses.add(answer.get().status());
            }
            assertThat(statuses).containsOnlyOnce(200);
            assertThat(Collections.frequency(statuses, 409)).isEqualTo(15);
        } finally {
            threads.shutdownNow();
        }
        assertThat(server.store.audit().newest(10)).hasSize(1);
    }
}
