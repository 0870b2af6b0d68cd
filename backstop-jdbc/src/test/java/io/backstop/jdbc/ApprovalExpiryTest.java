package io.backstop.jdbc;

import io.backstop.api.approval.ApprovalDecision;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.error.ApprovalExpiredException;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.jdbc.approval.ApprovalService;
import io.backstop.jdbc.approval.Decider;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.jdbc.operator.OperatorKey;
import io.backstop.jdbc.operator.OperatorList;
import io.backstop.jdbc.operator.OperatorsFile;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/** At the moment at which a request or an approval ends, it has ended, to everybody who looks. */
@ExtendWith(PostgresExtension.class)
class ApprovalExpiryTest {
    private static final Duration LIFETIME = Duration.ofSeconds(60);
    private static final String SQL = "COMMENT ON TABLE users IS 'in time'";

    @TempDir
    private Path folder;

    private final SetClock clock = new SetClock();
    private final OperatorKey alice = OperatorKey.create("alice");
    private SqlControlStore store;
    private Backstop backstop;
    private Connection connection;

    /** A clock that stands still. */
    private static final class SetClock extends Clock {
        private Instant now = Instant.parse("2026-11-01T10:00:00Z");

        void advance(Duration time) {
            now = now.plus(time);
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    @BeforeEach
    void open(TestDatabase database) throws Exception {
        database.run("DROP TABLE IF EXISTS users", "CREATE TABLE users (id int)");
        OperatorsFile operators = new OperatorsFile(folder.resolve("operators"));
        operators.write(OperatorList.EMPTY.add("alice", alice.publicKey(), alice, clock.instant()));
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), clock);
        backstop = Backstop.builder()
                .control(store)
                .operators(operators.path())
                .approvalTimeout(LIFETIME)
                .clock(clock)
                .agentId("agent")
                .build();
        connection = backstop.guard(database.connect());
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        backstop.close();
    }

    private void send() throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(SQL);
        }
    }

    private String held() {
        return catchThrowableOfType(ApprovalRequiredException.class, this::send).approvalId();
    }

    private ApprovalDecision approve(String id) throws SQLException {
        return new ApprovalService(store.approvals(), Optional.of(alice))
                .approve(id, Decider.named("alice"))
                .orElseThrow();
    }

    @ParameterizedTest
    @CsvSource({"-1, true", "0, false", "1, false"})
    void a_request_can_be_decided_until_it_ends(long millisAfter, boolean decided) throws SQLException {
        String id = held();
        clock.advance(LIFETIME.plusMillis(millisAfter));
        assertThat(approve(id))
                .isInstanceOf(decided ? ApprovalDecision.Decided.class : ApprovalDecision.AlreadyDecided.class);
        if (decided) {
            assertThatCode(this::send).doesNotThrowAnyException();
        } else {
            assertThat(store.approvals().find(id).orElseThrow().state()).isEqualTo(ApprovalState.EXPIRED);
            assertThatThrownBy(this::send).isInstanceOf(ApprovalExpiredException.class);
            assertThat(held()).as("asked anew").isNotEqualTo(id);
        }
    }

    @ParameterizedTest
    @CsvSource({"-1, true", "0, false", "1, false"})
    void an_approval_can_be_used_until_it_ends(long millisAfter, boolean used) throws SQLException {
        String id = held();
        clock.advance(Duration.ofSeconds(10));
        assertThat(approve(id)).isInstanceOf(ApprovalDecision.Decided.class);
        clock.advance(LIFETIME.plusMillis(millisAfter));
        if (used) {
            assertThatCode(this::send).doesNotThrowAnyException();
        } else {
            assertThatThrownBy(this::send).isInstanceOf(ApprovalExpiredException.class);
            assertThatThrownBy(this::send).isInstanceOf(ApprovalRequiredException.class);
        }
    }
}
