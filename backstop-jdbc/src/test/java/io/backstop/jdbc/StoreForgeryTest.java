package io.backstop.jdbc;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalDecision;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.approval.ApprovalService;
import io.backstop.jdbc.approval.Decider;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.jdbc.operator.OperatorException;
import io.backstop.jdbc.operator.OperatorKey;
import io.backstop.jdbc.operator.OperatorList;
import io.backstop.jdbc.operator.OperatorsFile;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/**
 * An agent's process that writes the control store as it likes, beside a guard that knows the operators: nothing that it
 * writes there lets a statement run that no operator signed, or lets one run twice.
 */
@ExtendWith(PostgresExtension.class)
class StoreForgeryTest {
    private static final String SQL = "DELETE FROM users";

    @TempDir
    private Path folder;

    private final FakeSnapshots snapshots = new FakeSnapshots();
    private final OperatorKey alice = OperatorKey.create("alice");
    private TestDatabase database;
    private Path file;
    private OperatorsFile operators;
    private SqlControlStore store;
    private Backstop backstop;

    @BeforeEach
    void open(TestDatabase testDatabase) throws Exception {
        database = testDatabase;
        database.run(
                "DROP TABLE IF EXISTS users",
                "CREATE TABLE users (id int PRIMARY KEY)",
                "INSERT INTO users SELECT n FROM generate_series(1, 10) AS n");
        file = folder.resolve("backstop.db");
        operators = new OperatorsFile(folder.resolve("operators"));
        operators.write(OperatorList.EMPTY.add("alice", alice.publicKey(), alice, Instant.now()));
        store = SqlControlStore.sqlite(file, Clock.systemUTC());
        backstop = guard();
    }

    private Backstop guard() throws SQLException {
        return Backstop.builder()
                .control(file)
                .operators(operators.path())
                .snapshots(snapshots)
                .agentId("agent")
                .build();
    }

    @AfterEach
    void close() {
        backstop.close();
        store.close();
    }

    private void send(String sql) throws SQLException {
        send(backstop, sql);
    }

    private void send(Backstop guard, String sql) throws SQLException {
        try (Connection connection = guard.guard(database.connect());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private String held(String sql) {
        return catchThrowableOfType(ApprovalRequiredException.class, () -> send(sql))
                .approvalId();
    }

    private void approve(String id, OperatorKey key) throws SQLException {
        assertThat(new ApprovalService(store.approvals(), Optional.of(key))
                        .approve(id, Decider.named(key.operator()))
                        .orElseThrow()
                        .approval()
                        .state())
                .isEqualTo(ApprovalState.APPROVED);
    }

    /** What the agent's process can do: anything that SQLite can. */
    private void tamper(String sql, Object... parameters) throws SQLException {
        try (Connection raw = DriverManager.getConnection("jdbc:sqlite:" + file);
                PreparedStatement update = raw.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                update.setObject(i + 1, parameters[i]);
            }
            update.executeUpdate();
        }
    }

    private void assertRefused(String id) throws SQLException {
        ApprovalRequiredException refusal = catchThrowableOfType(ApprovalRequiredException.class, () -> send(SQL));
        assertThat((Object) refusal).isNotNull();
        assertThat(refusal.getMessage()).contains("the approval " + id + " is refused: ");
        assertThat(refusal.approvalId()).as("a new request").isNotEqualTo(id);
        assertThat(store.approvals().find(id).orElseThrow().state()).isEqualTo(ApprovalState.INVALID);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("10");
        assertThat(store.audit().newest(100)).anySatisfy(record -> {
            assertThat(record.event().operation()).isEqualTo("REFUSE DECISION");
            assertThat(record.event().approvalId()).contains(id);
        });
    }

    @Test
    void a_signed_approval_runs_once() throws Exception {
        String id = held(SQL);
        approve(id, alice);
        send(SQL);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("0");
        assertThat(held(SQL)).isNotEqualTo(id);
    }

    @Test
    void a_row_that_is_set_to_approved_counts_for_nothing() throws Exception {
        String id = held(SQL);
        tamper(
                "UPDATE approvals SET state = 'APPROVED', decided_by = 'alice', decided_at = ? WHERE id = ?",
                System.currentTimeMillis(),
                id);
        assertRefused(id);
    }

    @Test
    void a_signature_of_the_agents_own_key_counts_for_nothing() throws Exception {
        String id = held(SQL);
        approve(id, OperatorKey.create("alice"));
        assertRefused(id);
    }

    @Test
    void a_signature_of_one_who_is_no_operator_counts_for_nothing() throws Exception {
        String id = held(SQL);
        approve(id, OperatorKey.create("mallory"));
        assertRefused(id);
    }

    @Test
    void a_decision_copied_from_another_request_counts_for_nothing() throws Exception {
        String harmless = held("COMMENT ON TABLE users IS 'fine'");
        approve(harmless, alice);
        String id = held(SQL);
        tamper(
                "UPDATE approvals SET (state, decided_by, decided_at, expires_at, comment, signer, signature) = (SELECT"
                        + " state, decided_by, decided_at, expires_at, comment, signer, signature FROM approvals WHERE id = ?)"
                        + " WHERE id = ?",
                harmless,
                id);
        assertRefused(id);
    }

    @Test
    void a_signed_row_that_is_bound_to_another_statement_counts_for_nothing() throws Exception {
        String harmless = held("COMMENT ON TABLE users IS 'fine'");
        approve(harmless, alice);
        String id = held(SQL);
        tamper(
                "UPDATE approvals SET binding = (SELECT binding FROM approvals WHERE id = ?) WHERE id = ?",
                id,
                harmless);
        tamper("DELETE FROM approvals WHERE id = ?", id);
        assertRefused(harmless);
    }

    @Test
    void a_denial_that_is_turned_into_an_approval_counts_for_nothing() throws Exception {
        String id = held(SQL);
        new ApprovalService(store.approvals(), Optional.of(alice)).deny(id, Decider.named("alice"));
        tamper("UPDATE approvals SET state = 'APPROVED' WHERE id = ?", id);
        assertRefused(id);
    }

    @Test
    void an_operator_who_was_shown_another_text_has_signed_another_thing() throws Exception {
        String id = held(SQL);
        tamper(
                "UPDATE approvals SET request = json_set(request, '$.sql', 'SELECT 1', '$.risk', 'HIGH') WHERE id = ?",
                id);
        approve(id, alice);
        assertRefused(id);
    }

    @Test
    void an_approval_that_is_made_to_live_longer_counts_for_nothing() throws Exception {
        String id = held(SQL);
        approve(id, alice);
        tamper("UPDATE approvals SET expires_at = expires_at + 86400000 WHERE id = ?", id);
        assertRefused(id);
    }

    @Test
    void a_request_that_was_made_to_live_longer_before_it_was_signed_still_ends_in_time() throws Exception {
        String id = held(SQL);
        Duration year = Duration.ofDays(365);
        tamper(
                "UPDATE approvals SET expires_at = expires_at + ?, created_at = created_at - ? WHERE id = ?",
                year.toMillis(),
                Duration.ofHours(1).toMillis(),
                id);
        approve(id, alice);
        Approval approved = store.approvals().find(id).orElseThrow();
        backstop.close();
        backstop = Backstop.builder()
                .control(SqlControlStore.sqlite(file, Clock.offset(Clock.systemUTC(), Duration.ofHours(1))))
                .clock(Clock.offset(Clock.systemUTC(), Duration.ofHours(1)))
                .operators(operators.path())
                .snapshots(snapshots)
                .agentId("agent")
                .build();
        assertThat(approved.state()).isEqualTo(ApprovalState.APPROVED);
        assertRefused(id);
    }

    @Test
    void a_used_approval_that_is_reset_runs_nothing_again() throws Exception {
        String id = held(SQL);
        approve(id, alice);
        send(SQL);
        database.run("INSERT INTO users SELECT n FROM generate_series(1, 10) AS n");
        tamper("UPDATE approvals SET state = 'APPROVED' WHERE id = ?", id);
        tamper("DELETE FROM spent_approvals");
        assertRefused(id);
    }

    @Test
    void a_used_approval_whose_row_alone_is_reset_runs_nothing_in_another_process() throws Exception {
        String id = held(SQL);
        approve(id, alice);
        send(SQL);
        database.run("INSERT INTO users SELECT n FROM generate_series(1, 10) AS n");
        tamper("UPDATE approvals SET state = 'APPROVED' WHERE id = ?", id);
        backstop.close();
        backstop = guard();
        assertRefused(id);
    }

    @Test
    void a_used_approval_that_is_reset_runs_nothing_through_another_guard_of_the_driver() throws Exception {
        String url = "backstop.agentId=agent&backstop.operators=" + operators.path() + "&backstop.control=" + file;
        String sql = "COMMENT ON TABLE users IS 'once'";
        try (Connection first = DriverManager.getConnection(database.backstopUrl(url));
                Statement statement = first.createStatement()) {
            String id = catchThrowableOfType(ApprovalRequiredException.class, () -> statement.execute(sql))
                    .approvalId();
            approve(id, alice);
            statement.execute(sql);
            tamper("UPDATE approvals SET state = 'APPROVED' WHERE id = ?", id);
            tamper("DELETE FROM spent_approvals");
            try (Connection second =
                            DriverManager.getConnection(database.backstopUrl(url + "&backstop.approvalTimeout=800"));
                    Statement again = second.createStatement()) {
                assertThatThrownBy(() -> again.execute(sql))
                        .isInstanceOf(ApprovalRequiredException.class)
                        .hasMessageContaining("the approval " + id + " is refused: it was used before");
            }
        }
    }

    @Test
    void a_store_that_is_put_in_place_of_the_guards_own_approves_nothing() throws Exception {
        String id = held(SQL);
        tamper("UPDATE store_identity SET store_id = 'another'");
        assertThatThrownBy(() -> approve(id, alice)).isInstanceOf(ControlStoreUnavailableException.class);
        assertThatThrownBy(() -> send(SQL)).isInstanceOf(ControlStoreUnavailableException.class);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("10");
    }

    @Test
    void a_list_with_another_first_operator_is_refused() throws Exception {
        OperatorKey mallory = OperatorKey.create("mallory");
        String id = held(SQL);
        Files.writeString(
                operators.path(),
                OperatorList.EMPTY
                        .add("mallory", mallory.publicKey(), mallory, Instant.now())
                        .text());
        approve(id, mallory);
        assertThatThrownBy(() -> send(SQL))
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessageContaining("it does not continue the list that was read before");
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("10");
    }

    @Test
    void an_operator_whom_no_operator_added_is_refused() throws Exception {
        OperatorKey mallory = OperatorKey.create("mallory");
        String own = OperatorList.EMPTY
                .add("mallory", mallory.publicKey(), mallory, Instant.now())
                .text();
        String id = held(SQL);
        Files.writeString(operators.path(), operators.read().text() + own);
        approve(id, mallory);
        assertThatThrownBy(() -> send(SQL)).isInstanceOf(ControlStoreUnavailableException.class);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("10");
    }

    @Test
    void a_missing_or_empty_list_lets_nothing_run() throws Exception {
        String id = held(SQL);
        approve(id, alice);
        Files.writeString(operators.path(), "");
        assertThatThrownBy(() -> send(SQL)).isInstanceOf(ControlStoreUnavailableException.class);
        Files.delete(operators.path());
        assertThatThrownBy(() -> send(SQL))
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessageContaining("it does not exist");
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("10");
    }

    @Test
    void what_a_revoked_operator_signed_counts_no_more() throws Exception {
        OperatorKey bob = OperatorKey.create("bob");
        OperatorList both = operators.read().add("bob", bob.publicKey(), alice, Instant.now());
        operators.write(both);
        String id = held(SQL);
        approve(id, bob);
        operators.write(both.revoke("bob", alice, Instant.now()));
        assertRefused(id);
        Files.writeString(operators.path(), both.text()); // the revocation is taken out again
        assertThatThrownBy(() -> {
                    tamper("UPDATE approvals SET state = 'APPROVED' WHERE id = ?", id);
                    tamper("DELETE FROM approvals WHERE state = 'PENDING'");
                    send(SQL);
                })
                .isInstanceOf(ControlStoreUnavailableException.class);
    }

    @Test
    void an_operator_with_the_agents_name_cannot_approve_for_it() throws Exception {
        OperatorKey agent = OperatorKey.create("agent");
        operators.write(operators.read().add("agent", agent.publicKey(), alice, Instant.now()));
        String id = held(SQL);
        assertThat(new ApprovalService(store.approvals(), Optional.of(agent)).approve(id, Decider.named("somebody")))
                .hasValueSatisfying(made -> assertThat(made).isInstanceOf(ApprovalDecision.NotYours.class));
    }

    @Test
    void an_unsigned_approval_is_not_even_taken() throws Exception {
        String id = held(SQL);
        assertThat(new ApprovalService(store.approvals()).approve(id, Decider.named("alice")))
                .hasValueSatisfying(made -> assertThat(made).isInstanceOf(ApprovalDecision.NotSigned.class));
        assertThat(held(SQL)).isEqualTo(id);
    }

    @Test
    void a_guard_does_not_open_with_a_list_that_it_cannot_use() throws OperatorException {
        assertThatThrownBy(() -> Backstop.builder()
                        .control(file)
                        .operators(folder.resolve("nowhere"))
                        .build())
                .isInstanceOf(InvalidSettingException.class)
                .hasMessageContaining("backstop.operators cannot be used: the operators' file cannot be used: "
                        + folder.resolve("nowhere") + ": it does not exist");
    }
}
