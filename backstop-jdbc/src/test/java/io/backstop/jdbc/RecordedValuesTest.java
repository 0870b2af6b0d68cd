package io.backstop.jdbc;

import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditRecord;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.jdbc.policy.PolicyReader;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.Clock;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Bound values are recorded as the policy says. */
@ExtendWith(PostgresExtension.class)
class RecordedValuesTest {
    private static final String SQL =
            "UPDATE users SET name = ?, password = ?, paid = ?, at = ?, photo = ? WHERE id = ?";

    @TempDir
    private Path folder;

    private TestDatabase database;

    @BeforeEach
    void make(TestDatabase testDatabase) throws Exception {
        database = testDatabase;
        database.run(
                "DROP TABLE IF EXISTS users",
                "CREATE TABLE users (id int, name text, password text, paid numeric, at timestamp, photo bytea)");
    }

    private ApprovalRequest held(String rules, boolean batch) throws Exception {
        SqlControlStore store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
        String policy = "{\"require_approval_for_risks\": [\"WRITE\"]" + rules + "}";
        try (Backstop backstop = Backstop.builder()
                        .control(store)
                        .policy(new PolicyReader().read(policy, "held"))
                        .agentId("agent")
                        .build();
                Connection connection = backstop.guard(database.connect());
                PreparedStatement update = connection.prepareStatement(SQL)) {
            for (int row = 1; row <= (batch ? 30 : 1); row++) {
                update.setString(1, "visible");
                update.setString(2, "hidden");
                update.setBigDecimal(3, new BigDecimal("12.50"));
                update.setTimestamp(4, Timestamp.valueOf("2026-01-02 03:04:05"));
                update.setBytes(5, new byte[7]);
                if (row == 2) {
                    update.setNull(6, Types.INTEGER);
                } else {
                    update.setInt(6, row);
                }
                if (batch) {
                    update.addBatch();
                }
            }
            assertThatThrownBy(() -> {
                        if (batch) {
                            BatchRefusal.execute(update);
                        } else {
                            update.executeUpdate();
                        }
                    })
                    .isInstanceOf(ApprovalRequiredException.class);
            return store.approvals().list(ApprovalState.PENDING).get(0).request();
        }
    }

    private List<AuditEvent> audit() throws Exception {
        try (SqlControlStore store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC())) {
            return store.audit().newest(100).stream().map(AuditRecord::event).toList();
        }
    }

    private String everythingStored() throws Exception {
        StringBuilder stored = new StringBuilder();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                stored.append(Files.readString(file, StandardCharsets.ISO_8859_1));
            }
        }
        return stored.toString();
    }

    @Test
    void as_text_they_are_in_request_and_audit_and_secrets_are_nowhere() throws Exception {
        List<String> row = List.of("visible", "***", "12.50", "2026-01-02 03:04:05.0", "7 bytes", "1");
        assertThat(held(", \"audit_parameters\": \"text\"", false).values()).containsExactly(row);
        assertThat(audit())
                .isNotEmpty()
                .allSatisfy(event -> assertThat(event.values()).containsExactly(row));
        assertThat(everythingStored()).doesNotContain("hidden");
    }

    @Test
    void of_a_batch_the_first_rows_are_shown() throws Exception {
        List<List<String>> rows = held(", \"audit_parameters\": \"text\"", true).values();
        assertThat(rows).hasSize(20);
        assertThat(rows.get(1)).last().isEqualTo("NULL");
        assertThat(rows.get(2)).last().isEqualTo("3");
    }

    @Test
    void as_a_digest_they_are_nowhere() throws Exception {
        ApprovalRequest request = held("", false);
        assertThat(request.values()).isEmpty();
        assertThat(audit()).isNotEmpty().allSatisfy(event -> {
            assertThat(event.values()).isEmpty();
            assertThat(event.statementSha256()).isEqualTo(request.statementSha256());
        });
        assertThat(everythingStored()).doesNotContain("visible").doesNotContain("hidden");
    }

    @Test
    void with_none_the_audit_has_no_digest_either() throws Exception {
        assertThat(held(", \"audit_parameters\": \"none\"", false).statementSha256())
                .hasSize(64);
        assertThat(audit())
                .isNotEmpty()
                .allSatisfy(event -> assertThat(event.statementSha256()).isEmpty());
    }
}
