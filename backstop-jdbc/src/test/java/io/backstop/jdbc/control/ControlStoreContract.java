package io.backstop.jdbc.control;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditQuery;
import io.backstop.api.audit.AuditRecord;
import io.backstop.api.control.Pause;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.policy.QuarantineRules;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class SqlControlStoreTest {
    private static final Duration LIFETIME = Duration.ofMinutes(15);

    @TempDir
    private Path folder;

    private final SettableClock clock = new SettableClock(Instant.parse("2026-01-01T00:00:00Z"));
    private Path file;
    private SqlControlStore store;

    @BeforeEach
    void open() throws ControlStoreUnavailableException {
        file = folder.resolve("backstop.db");
        store = SqlControlStore.sqlite(file, clock);
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
                SqlControlStore other = SqlControlStore.sqlite(file, clock);
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
        try (SqlControlStore other = SqlControlStore.sqlite(file, clock)) {
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
    void the_audit_can_be_read_while_another_process_holds_the_write_lock() throws Exception {
        store.audit().append(List.of(event("one")));
        try (Connection writer = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement statement = writer.createStatement()) {
            statement.execute("BEGIN IMMEDIATE");
            assertThat(store.audit().newest(10)).hasSize(1);
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
                SqlControlStore other = SqlControlStore.sqlite(file, clock);
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

    @Test
    void a_changed_removed_or_cut_off_record_is_found() throws Exception {
        for (String sql : List.of("one", "two", "three", "four")) {
            store.audit().append(List.of(event(sql)));
        }
        assertTampering("UPDATE audit SET event = replace(event, 'two', 'TWO') WHERE sequence = 2", 2);
        assertTampering("DELETE FROM audit WHERE sequence = 2", 2);
        assertTampering("DELETE FROM audit WHERE sequence = 4", 4);
        assertTampering("DELETE FROM audit", 1);
        assertTampering("UPDATE audit SET hash = 'x' WHERE sequence = 3", 3);
    }

    private void assertTampering(String sql, long firstBroken) throws Exception {
        Path copy = folder.resolve("copy" + sql.hashCode() + ".db");
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement statement = connection.createStatement()) {
            statement.execute("VACUUM INTO '" + copy + "'");
        }
        tamper(copy, sql);
        try (SqlControlStore tampered = SqlControlStore.sqlite(copy, clock)) {
            assertThat(tampered.audit().firstBroken()).as(sql).contains(firstBroken);
        }
    }

    private static void tamper(Path database, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
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
    void the_file_is_its_owners_alone() throws Exception {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
    }

    @Test
    void a_missing_folder_is_named_with_what_to_do() {
        assertThatThrownBy(() -> SqlControlStore.sqlite(folder.resolve("missing/backstop.db"), clock))
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessageStartingWith("backstop.control: the folder of the control store does not exist: "
                        + folder.resolve("missing"))
                .hasMessageContaining("HINT: create the folder");
    }

    @Test
    void a_file_that_is_no_database_is_refused_and_left_alone() throws Exception {
        Path text =
                Files.writeString(folder.resolve("notes.txt"), "this is not a database, it is a text of some length");
        assertThatThrownBy(() -> SqlControlStore.sqlite(text, clock))
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessageContaining(text.toString());
        assertThat(text).hasContent("this is not a database, it is a text of some length");
    }
}
