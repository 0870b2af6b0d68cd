package io.backstop.server;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.audit.AuditEvent;
import io.backstop.server.RunningServer.Answer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

import static io.backstop.server.RunningServer.ADMIN;
import static org.assertj.core.api.Assertions.assertThat;

class MetricsEndpointTest {
    private static final String METRICS = "bsp_metrics_token";

    @TempDir
    private Path folder;

    private static AuditEvent decision(RiskLevel risk, String outcome) {
        return new AuditEvent(
                RunningServer.NOW,
                AuditEvent.Kind.DECISION,
                "agent",
                "localhost:5432/shop",
                "SELECT 'secret'",
                "",
                "SELECT",
                List.of(),
                risk,
                outcome,
                Optional.empty(),
                Optional.empty());
    }

    @Test
    void statements_are_counted_by_risk_and_verdict_from_the_servers_start_on() throws Exception {
        try (RunningServer server = RunningServer.in(folder)) {
            Answer first = server.get("/metrics", METRICS);
            assertThat(first.status()).isEqualTo(200);
            assertThat(first.header("Content-Type")).isEqualTo("text/plain; version=0.0.4; charset=utf-8");
            server.store
                    .audit()
                    .append(List.of(
                            decision(RiskLevel.SAFE, "allowed"),
                            decision(RiskLevel.SAFE, "allowed"),
                            decision(RiskLevel.CRITICAL, "held: it drops a table"),
                            decision(RiskLevel.CRITICAL, "blocked [no-drop-database]: x"),
                            decision(RiskLevel.HIGH, "monitored, would be held: x")));
            assertThat(server.get("/metrics", METRICS).body().lines())
                    .contains(
                            "backstop_statements_total{risk=\"safe\",verdict=\"allowed\"} 2.0",
                            "backstop_statements_total{risk=\"critical\",verdict=\"held\"} 1.0",
                            "backstop_statements_total{risk=\"critical\",verdict=\"blocked\"} 1.0",
                            "backstop_statements_total{risk=\"high\",verdict=\"monitored\"} 1.0",
                            "backstop_open_alerts 1.0",
                            "backstop_audit_records 5.0",
                            "backstop_paused 0.0",
                            "backstop_control_store_accessible 1.0")
                    .noneMatch(line -> line.contains("secret"));
        }
    }

    @Test
    void pause_pending_requests_and_decisions_are_figures() throws Exception {
        try (RunningServer server = RunningServer.in(folder)) {
            assertThat(server.get("/metrics", METRICS).body().lines()).contains("backstop_pending_approvals 0.0");
            String id = server.held("agent", "DROP TABLE users").id();
            server.store.pause().pause("incident", "ops");
            assertThat(server.get("/metrics", METRICS).body().lines())
                    .contains("backstop_pending_approvals 1.0", "backstop_paused 1.0");
            server.store.approvals().decide(id, true, "ops");
            server.store.pause().resume("ops");
            assertThat(server.get("/metrics", METRICS).body().lines())
                    .contains(
                            "backstop_pending_approvals 0.0",
                            "backstop_paused 0.0",
                            "backstop_decision_seconds_count{decision=\"approve\"} 1");
        }
    }

    @Test
    void without_the_store_figures_are_not_numbers() throws Exception {
        try (RunningServer server = RunningServer.in(folder)) {
            assertThat(server.get("/metrics", METRICS).status()).isEqualTo(200);
            for (String name : new String[] {"backstop.db", "backstop.db-wal", "backstop.db-shm"}) {
                Files.deleteIfExists(folder.resolve(name));
            }
            Answer answer = server.get("/metrics", METRICS);
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.body().lines())
                    .contains("backstop_control_store_accessible 0.0", "backstop_pending_approvals NaN");
        }
    }

    @Test
    void the_scope_is_needed() throws Exception {
        try (RunningServer server = RunningServer.in(folder)) {
            assertThat(server.get("/metrics", ADMIN).status()).isEqualTo(403);
            assertThat(server.post("/metrics", METRICS).status()).isEqualTo(405);
        }
    }
}
