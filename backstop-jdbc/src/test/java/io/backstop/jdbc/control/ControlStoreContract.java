package io.backstop.jdbc.control;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditQuery;
import io.backstop.api.audit.AuditRecord;
import io.backstop.api.control.Alert;
import io.backstop.api.control.Heartbeat;
import io.backstop.api.control.Pause;
import io.backstop.api.control.WriteBudgets;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.policy.QuarantineRules;
import io.backstop.api.snapshot.DatabaseIdentity;
import io.backstop.api.snapshot.ServerIdentity;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What every control store does, whichever database holds it. */
abstract class ControlStoreContract {
    private static final Duration LIFETIME = Duration.ofMinutes(15);

    final SettableClock clock = new SettableClock(Instant.parse("2026-01-01T00:00:00Z"));
    SqlControlStore store;

    /** The store as another process opens it. */
    abstract SqlControlStore another() throws Exception;

    /** A connection of somebody who goes round Backstop. */
    abstract Connection plain() throws SQLException;

    /** Statements with which another process takes the write lock until it rolls back. */
    abstract List<String> takeWriteLock();

    @BeforeEach
    void open() throws Exception {
        store = another();
    }

    @AfterEach
    void close() {
        store.close();
    }

    static ApprovalRequest request(String agent, String sha256) {
        return new ApprovalRequest(
                "DROP TABLE users",
                sha256,
                agent,
                "localhost:5432/shop",
                "app",
                "public",
                "DROP TABLE",
                List.of("users"),
                RiskLevel.CRITICAL,
                List.of("it drops a table"));
    }

    private static AuditEvent event(String sql) {
        return event(sql, "agent", RiskLevel.CRITICAL, Instant.parse("2026-01-01T00:00:00.123456Z"));
    }

    private static AuditEvent event(String sql, String agent, RiskLevel risk, Instant at) {
        return new AuditEvent(
                at,
                AuditEvent.Kind.DECISION,
                agent,
                "localhost:5432/shop",
                sql,
                "00",
                "DROP TABLE",
                List.of("users"),
                risk,
                "held",
                Optional.of("appr_1"),
                Optional.empty());
    }

    @Test
    void a_request_is_kept_as_it_was_made() throws Exception {
        Approval opened = store.approvals().open(request("agent", "aa"), LIFETIME);
        assertThat(opened.id()).matches("appr_[0-9a-f]{16}");
        assertThat(opened.expiresAt()).isEqualTo(clock.instant().plus(LIFETIME));
        assertThat(store.approvals().find(opened.id())).contains(opened);
        assertThat(store.approvals().list(ApprovalState.PENDING)).containsExactly(opened);
    }

    @Test
    void the_same_request_asked_again_while_undecided_is_one_request() throws Exception {
        Approval first = store.approvals().open(request("agent", "aa"), LIFETIME);
        assertThat(store.approvals().open(request("agent", "aa"), LIFETIME)).isEqualTo(first);
        assertThat(store.approvals().open(request("agent", "bb"), LIFETIME).id())
                .isNotEqualTo(first.id());
        assertThat(store.approvals().open(request("other", "aa"), LIFETIME).id())
                .isNotEqualTo(first.id());
    }

    @Test
    void an_approval_is_used_once_and_only_for_its_own_binding() throws Exception {
        Approval approval = store.approvals().open(request("agent", "aa"), LIFETIME);
        assertThat(store.approvals().consume(approval.id(), request("agent", "aa")))
                .isFalse();
        store.approvals().decide(approval.id(), true, "ops");
        assertThat(store.approvals().consume(approval.id(), request("other", "aa")))
                .isFalse();
        assertThat(store.approvals().consume(approval.id(), request("agent", "bb")))
                .isFalse();
        assertThat(store.approvals().consume(approval.id(), request("agent", "aa")))
                .isTrue();
        assertThat(store.approvals().consume(approval.id(), request("agent", "aa")))
                .isFalse();
        assertThat(store.approvals().find(approval.id()).orElseThrow().state()).isEqualTo(ApprovalState.CONSUMED);
    }

    @Test
    void of_many_who_use_an_approval_at_once_one_wins() throws Exception {
        Approval approval = store.approvals().open(request("agent", "aa"), LIFETIME);
        store.approvals().decide(approval.id(), true, "ops");
        ExecutorService threads = Executors.newFixedThreadPool(8);
        List<SqlControlStore> stores = new ArrayList<>();
        try {
            List<Callable<Boolean>> calls = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                SqlControlStore other = another();
                stores.add(other);
                calls.add(() -> other.approvals().consume(approval.id(), request("agent", "aa")));
            }
            int winners = 0;
            for (Future<Boolean> call : threads.invokeAll(calls)) {
                winners += call.get() ? 1 : 0;
            }
            assertThat(winners).isEqualTo(1);
        } finally {
            threads.shutdownNow();
            stores.forEach(SqlControlStore::close);
        }
    }

    @Test
    void a_decision_is_final_and_on_the_record() throws Exception {
        Approval approval = store.approvals().open(request("agent", "aa"), LIFETIME);
        assertThat(store.approvals()
                        .decide(approval.id(), false, "ops")
                        .orElseThrow()
                        .approval()
                        .state())
                .isEqualTo(ApprovalState.DENIED);
        assertThat(store.approvals()
                        .decide(approval.id(), true, "somebody else")
                        .orElseThrow()
                        .approval())
                .satisfies(unchanged -> {
                    assertThat(unchanged.state()).isEqualTo(ApprovalState.DENIED);
                    assertThat(unchanged.decidedBy()).contains("ops");
                });
        assertThat(store.approvals().decide("appr_unknown", true, "ops")).isEmpty();
        assertThat(store.audit().newest(10))
                .singleElement()
                .satisfies(record -> assertThat(record.event().operation()).isEqualTo("DENY"));
    }

    @Test
    void an_undecided_request_expires_and_cannot_be_approved_any_more() throws Exception {
        Approval approval = store.approvals().open(request("agent", "aa"), LIFETIME);
        clock.advance(LIFETIME);
        assertThat(store.approvals().find(approval.id()).orElseThrow().state()).isEqualTo(ApprovalState.EXPIRED);
        assertThat(store.approvals().list(ApprovalState.PENDING)).isEmpty();
        assertThat(store.approvals()
                        .decide(approval.id(), true, "ops")
                        .orElseThrow()
                        .approval()
                        .state())
                .isEqualTo(ApprovalState.EXPIRED);
        assertThat(store.approvals().consume(approval.id(), request("agent", "aa")))
                .isFalse();
        assertThat(store.approvals().open(request("agent", "aa"), LIFETIME).id())
                .isNotEqualTo(approval.id());
    }

    @Test
    void an_approval_that_nobody_used_in_time_is_worth_nothing() throws Exception {
        Approval approval = store.approvals().open(request("agent", "aa"), LIFETIME);
        clock.advance(LIFETIME.minusSeconds(1));
        store.approvals().decide(approval.id(), true, "ops");
        clock.advance(LIFETIME.minusSeconds(1));
        assertThat(store.approvals().find(approval.id()).orElseThrow().state()).isEqualTo(ApprovalState.APPROVED);
        clock.advance(Duration.ofSeconds(1));
        assertThat(store.approvals().consume(approval.id(), request("agent", "aa")))
                .isFalse();
    }

    @Test
    void a_released_approval_can_be_used_again() throws Exception {
        Approval approval = store.approvals().open(request("agent", "aa"), LIFETIME);
        store.approvals().decide(approval.id(), true, "ops");
        store.approvals().consume(approval.id(), request("agent", "aa"));
        store.approvals().release(approval.id());
        assertThat(store.approvals().consume(approval.id(), request("agent", "aa")))
                .isTrue();
    }

    @Test
    void a_pause_is_seen_by_another_process_at_once() throws Exception {
        try (SqlControlStore other = another()) {
            store.pause().pause("incident", "ops");
            assertThat(other.pause().current()).contains(new Pause("incident", "ops", clock.instant()));
            other.pause().resume("ops");
            assertThat(store.pause().current()).isEmpty();
        }
    }

    @Test
    void the_audit_keeps_events_in_order_and_links_them() throws Exception {
        store.audit().append(List.of(event("one"), event("two")));
        store.audit().append(List.of(event("three")));
        List<AuditRecord> records = store.audit().newest(2);
        assertThat(records).extracting(record -> record.event().sql()).containsExactly("three", "two");
        assertThat(records.get(0).event()).isEqualTo(event("three"));
        assertThat(records.get(0).sequence()).isEqualTo(3);
        assertThat(store.audit().record(2)).contains(records.get(1));
        assertThat(store.audit().record(4)).isEmpty();
        assertThat(store.audit().firstBroken()).isEmpty();
    }

    @Test
    void the_audit_can_be_asked_for_one_risk_one_agent_and_a_time() throws Exception {
        Instant noon = Instant.parse("2026-01-01T12:00:00Z");
        store.audit()
                .append(List.of(
                        event("one", "a", RiskLevel.SAFE, noon.minusNanos(1)),
                        event("two", "b", RiskLevel.CRITICAL, noon),
                        event("three", "a", RiskLevel.CRITICAL, noon.plusNanos(1)),
                        event("four", "a", RiskLevel.CRITICAL, noon.plusMillis(500)),
                        event("five", "a", RiskLevel.HIGH, noon.plusSeconds(1))));
        Optional<Instant> always = Optional.empty();
        assertThat(found(10, Optional.of(RiskLevel.CRITICAL), Optional.empty(), always))
                .containsExactly("four", "three", "two");
        assertThat(found(10, Optional.empty(), Optional.of("a"), always))
                .containsExactly("five", "four", "three", "one");
        assertThat(found(10, Optional.empty(), Optional.empty(), Optional.of(noon)))
                .containsExactly("five", "four", "three", "two");
        assertThat(found(10, Optional.empty(), Optional.empty(), Optional.of(noon.plusNanos(1))))
                .containsExactly("five", "four", "three");
        assertThat(found(10, Optional.empty(), Optional.empty(), Optional.of(noon.plusMillis(501))))
                .containsExactly("five");
        assertThat(found(1, Optional.of(RiskLevel.CRITICAL), Optional.of("a"), Optional.of(noon)))
                .containsExactly("four");
        assertThat(found(10, Optional.empty(), Optional.of("' OR 1=1 --"), always))
                .isEmpty();
        assertThat(found(10, Optional.empty(), Optional.empty(), Optional.of(Instant.MIN)))
                .hasSize(5);
        assertThat(found(10, Optional.empty(), Optional.empty(), Optional.of(Instant.MAX)))
                .isEmpty();
    }

    private List<String> found(int limit, Optional<RiskLevel> risk, Optional<String> agentId, Optional<Instant> since)
            throws Exception {
        return store.audit().newest(new AuditQuery(limit, risk, agentId, since)).stream()
                .map(record -> record.event().sql())
                .toList();
    }

    @Test
    void the_store_can_be_read_while_another_process_holds_the_write_lock() throws Exception {
        store.audit().append(List.of(event("one")));
        store.pause().pause("incident", "ops");
        try (Connection writer = plain();
                Statement statement = writer.createStatement()) {
            for (String sql : takeWriteLock()) {
                statement.execute(sql);
            }
            assertThat(store.audit().newest(10)).hasSize(2);
            assertThat(store.pause().current()).isPresent();
            statement.execute("ROLLBACK");
        }
    }

    @Test
    void two_processes_that_append_at_once_make_one_chain() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(4);
        List<SqlControlStore> stores = new ArrayList<>();
        try {
            List<Callable<Void>> calls = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                SqlControlStore other = another();
                stores.add(other);
                calls.add(() -> {
                    for (int n = 0; n < 25; n++) {
                        other.audit().append(List.of(event("x")));
                    }
                    return null;
                });
            }
            for (Future<Void> call : threads.invokeAll(calls)) {
                call.get();
            }
        } finally {
            threads.shutdownNow();
            stores.forEach(SqlControlStore::close);
        }
        assertThat(store.audit().newest(1).get(0).sequence()).isEqualTo(100);
        assertThat(store.audit().firstBroken()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "UPDATE audit SET event = replace(event, 'two', 'TWO') WHERE sequence = 2 | 2",
                "UPDATE audit SET risk = 'SAFE' WHERE sequence = 2 | 2",
                "UPDATE audit SET agent_id = 'other' WHERE sequence = 3 | 3",
                "UPDATE audit SET at = 0 WHERE sequence = 3 | 3",
                "DELETE FROM audit WHERE sequence = 2 | 2",
                "DELETE FROM audit WHERE sequence = 4 | 4",
                "DELETE FROM audit | 1",
                "UPDATE audit SET hash = 'x' WHERE sequence = 3 | 3"
            })
    void a_changed_hidden_removed_or_cut_off_record_is_found(String sql, long firstBroken) throws Exception {
        for (String text : List.of("one", "two", "three", "four")) {
            store.audit().append(List.of(event(text)));
        }
        store.close();
        try (Connection connection = plain();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
        store = another();
        assertThat(store.audit().firstBroken()).contains(firstBroken);
    }

    @Test
    void text_that_no_database_holds_is_kept_as_far_as_it_can_be() throws Exception {
        String odd = "a\0b\ud800c\ud83d\ude00";
        store.audit().append(List.of(event(odd, odd, RiskLevel.HIGH, clock.instant())));
        store.pause().pause(odd, "ops");
        assertThat(store.audit().newest(2).get(1).event().sql()).contains("\ud83d\ude00");
        assertThat(found(1, Optional.empty(), Optional.of(odd), Optional.empty()))
                .hasSize(1);
        assertThat(store.pause().current().orElseThrow().reason()).contains("\ud83d\ude00");
        assertThat(store.audit().firstBroken()).isEmpty();
        QuarantineRules rules = new QuarantineRules(1, Duration.ofMinutes(10), Duration.ofMinutes(30), false);
        store.quarantine().refused("agent", odd, rules);
        assertThat(store.quarantine().current("agent")).isPresent();
    }

    @Test
    void a_request_of_any_length_is_found_again() throws Exception {
        String names = IntStream.range(0, 20_000).mapToObj(i -> "t" + i).collect(Collectors.joining(","));
        ApprovalRequest large = new ApprovalRequest(
                "DROP TABLE users",
                "aa",
                "agent",
                "localhost:5432/shop",
                "app",
                names,
                "DROP TABLE",
                List.of("users"),
                RiskLevel.CRITICAL,
                List.of("it drops a table"));
        Approval opened = store.approvals().open(large, LIFETIME);
        assertThat(store.approvals().newest(large)).contains(opened);
    }

    @Test
    void heartbeats_snapshots_and_budgets_are_kept() throws Exception {
        DatabaseIdentity identity = new DatabaseIdentity(new ServerIdentity("7", Optional.of(1L)), 5);
        store.heartbeats().beat("one", "db", Optional.of(identity), Set.of(1L, 2L));
        store.heartbeats().beat("one", "db", Optional.of(identity), Set.of(3L));
        store.heartbeats().beat("two", "db", Optional.empty(), Set.of());
        try (SqlControlStore other = another()) {
            assertThat(other.heartbeats().of("db"))
                    .extracting(Heartbeat::sidecar)
                    .containsExactlyInAnyOrder("one", "two");
            assertThat(other.heartbeats().latest()).contains(clock.instant());
        }
        Duration window = Duration.ofMinutes(10);
        store.budgets().measured("agent", "db", 7, 1_000, window);
        WriteBudgets.Usage used =
                store.budgets().add("agent", "db", List.of(new WriteBudgets.TableRows(7, 3, 2)), window);
        assertThat(used.byTable().get(7L)).isEqualTo(new WriteBudgets.TableRows(7, 3, 2));
        assertThat(used.sizes()).containsEntry(7L, 1_000L);
        store.budgets().giveBack(used.entry());
        assertThat(store.budgets()
                        .add("agent", "db", List.of(new WriteBudgets.TableRows(7, 1, 0)), window)
                        .byTable())
                .containsEntry(7L, new WriteBudgets.TableRows(7, 1, 0));
    }

    @Test
    void a_closed_store_says_so() throws Exception {
        store.close();
        assertThatThrownBy(() -> store.pause().current())
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessageStartingWith("the control store is closed");
    }

    @Test
    void a_failing_unit_of_work_leaves_nothing_and_the_next_one_works() throws Exception {
        store.pause().pause("incident", "ops");
        try (Connection connection = plain();
                Statement statement = connection.createStatement()) {
            statement.execute("ALTER TABLE audit RENAME TO gone");
            assertThatThrownBy(() -> store.pause().resume("ops"))
                    .isInstanceOf(ControlStoreUnavailableException.class)
                    .hasMessageContaining("\nHINT: ");
            assertThat(store.pause().current()).isPresent();
            statement.execute("ALTER TABLE gone RENAME TO audit");
        }
        store.pause().resume("ops");
        assertThat(store.pause().current()).isEmpty();
    }

    @Test
    void too_many_refusals_within_the_window_are_a_quarantine() throws Exception {
        QuarantineRules rules = new QuarantineRules(3, Duration.ofMinutes(10), Duration.ofMinutes(30), false);
        store.quarantine().refused("agent", "DROP DATABASE shop", rules);
        store.quarantine().refused("agent", "DROP DATABASE shop", rules);
        clock.advance(Duration.ofMinutes(10));
        store.quarantine().refused("agent", "DROP DATABASE shop", rules);
        assertThat(store.quarantine().until("agent")).isEmpty();
        store.quarantine().refused("agent", "DROP DATABASE shop", rules);
        store.quarantine().refused("agent", "DROP DATABASE shop", rules);
        assertThat(store.quarantine().until("agent")).contains(clock.instant().plus(Duration.ofMinutes(30)));
        assertThat(store.quarantine().until("other")).isEmpty();
        clock.advance(Duration.ofMinutes(30));
        assertThat(store.quarantine().until("agent")).isEmpty();
    }

    @Test
    void an_alert_is_raised_once_and_counted_until_somebody_acknowledges_it() throws Exception {
        store.alerts().raise(Alert.Kind.SIDECAR_STALE, "sidecar", "first");
        clock.advance(Duration.ofSeconds(1));
        try (SqlControlStore other = another()) {
            other.alerts().raise(Alert.Kind.SIDECAR_STALE, "sidecar", "second");
            other.alerts().raise(Alert.Kind.STORAGE_UNAVAILABLE, "sidecar", "of another kind");
        }
        List<Alert> open = store.alerts().newest(10, true);
        assertThat(open).hasSize(2);
        Alert alert = open.stream()
                .filter(each -> each.kind() == Alert.Kind.SIDECAR_STALE)
                .findFirst()
                .orElseThrow();
        assertThat(alert.id()).matches("alrt_[0-9a-f]{16}");
        assertThat(alert.count()).isEqualTo(2);
        assertThat(alert.message()).isEqualTo("second");
        assertThat(alert.raisedAt()).isEqualTo(clock.instant().minusSeconds(1));
        assertThat(alert.lastAt()).isEqualTo(clock.instant());
        assertThat(store.alerts().acknowledge(alert.id(), "ops").orElseThrow().acknowledgement())
                .contains(new Alert.Acknowledgement("ops", clock.instant()));
        clock.advance(Duration.ofSeconds(1));
        assertThat(store.alerts()
                        .acknowledge(alert.id(), "somebody else")
                        .orElseThrow()
                        .acknowledgement()
                        .orElseThrow()
                        .by())
                .isEqualTo("ops");
        assertThat(store.alerts().acknowledge("alrt_unknown", "ops")).isEmpty();
        assertThat(store.audit().newest(10))
                .singleElement()
                .satisfies(record -> assertThat(record.event().operation()).isEqualTo("ACKNOWLEDGE ALERT"));
        store.alerts().raise(Alert.Kind.SIDECAR_STALE, "sidecar", "again");
        assertThat(store.alerts().newest(1, true).get(0).message()).isEqualTo("again");
        assertThat(store.alerts().newest(10, true)).hasSize(2);
        assertThat(store.alerts().newest(10, false)).hasSize(3);
        assertThat(store.alerts().newest(1, false)).hasSize(1);
    }

    private List<Alert.Kind> openAlerts() throws Exception {
        return store.alerts().newest(100, true).stream().map(Alert::kind).toList();
    }

    @Test
    void what_is_held_refused_or_stopped_is_an_alert_until_it_is_over() throws Exception {
        Approval approval = store.approvals().open(request("agent", "aa"), LIFETIME);
        store.approvals().open(request("agent", "aa"), LIFETIME);
        assertThat(store.alerts().newest(10, true)).singleElement().satisfies(alert -> {
            assertThat(alert.kind()).isEqualTo(Alert.Kind.APPROVAL_REQUESTED);
            assertThat(alert.subject()).isEqualTo(approval.id());
            assertThat(alert.message())
                    .isEqualTo("DROP TABLE of agent agent on localhost:5432/shop waits for approval: it drops a table");
        });
        store.approvals().decide(approval.id(), true, "ops");
        assertThat(openAlerts()).isEmpty();
        Approval forgotten = store.approvals().open(request("agent", "bb"), LIFETIME);
        clock.advance(LIFETIME);
        store.approvals().expire(forgotten.id());
        assertThat(openAlerts()).isEmpty();
        store.pause().pause("incident", "ops");
        assertThat(store.alerts().newest(1, true).get(0).message()).isEqualTo("operator ops paused writes: incident");
        store.pause().resume("ops");
        assertThat(openAlerts()).isEmpty();
        QuarantineRules rules = new QuarantineRules(1, Duration.ofMinutes(10), Duration.ofMinutes(30), false);
        store.quarantine().refused("agent", "DROP DATABASE shop", rules);
        assertThat(openAlerts()).containsExactly(Alert.Kind.QUARANTINED);
        store.quarantine().lift("agent", "ops");
        assertThat(openAlerts()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "DECISION | blocked [no-drop-database]: it drops a database | BLOCKED",
                "DECISION | blocked [emergency-pause]: writes are paused: x | ",
                "DECISION | blocked [agent-quarantined]: until then | ",
                "DECISION | allowed | ",
                "DECISION | held: it drops a table | ",
                "DECISION | monitored, would be blocked [no-drop-database]: x | ",
                "REFUSAL | refused by the read fence | FENCE_VIOLATED",
                "REFUSAL | ZB007 | SNAPSHOT_FAILED",
                "OUTCOME | failed with ZB007 | SNAPSHOT_FAILED",
                "OUTCOME | failed with ZB009 | BYPASS",
                "REFUSAL | ZB002 | ",
                "OUTCOME | failed with 23505 | "
            })
    void what_is_recorded_of_statements_raises_alerts(AuditEvent.Kind kind, String outcome, Alert.Kind alert)
            throws Exception {
        AuditEvent event = new AuditEvent(
                clock.instant(),
                kind,
                "agent",
                "localhost:5432/shop",
                "DROP DATABASE shop",
                "00",
                "DROP DATABASE",
                List.of(),
                RiskLevel.CRITICAL,
                outcome,
                Optional.empty(),
                Optional.empty());
        store.audit().append(List.of(event, event));
        if (alert == null) {
            assertThat(openAlerts()).isEmpty();
        } else {
            assertThat(store.alerts().newest(10, true)).singleElement().satisfies(raised -> {
                assertThat(raised.kind()).isEqualTo(alert);
                assertThat(raised.subject()).isEqualTo("agent");
                assertThat(raised.count()).isEqualTo(2);
                assertThat(raised.message())
                        .isEqualTo("DROP DATABASE of agent agent on localhost:5432/shop: " + outcome);
            });
        }
    }
}
