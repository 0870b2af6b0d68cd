package io.backstop.jdbc;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalState;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/**
 * What a statement needs is lost while it waits for its approval: the wait comes to an end, it does not run, and an approval
 * that comes too late is not spent.
 */
@Timeout(60)
@ExtendWith(PostgresExtension.class)
class ApprovalWaitLossTest {
    private static final String SQL = "COMMENT ON TABLE users IS 'waited for'";

    @TempDir
    private Path folder;

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private TestDatabase database;
    private Backstop backstop;
    private Connection connection;
    private Statement statement;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run("DROP TABLE IF EXISTS users", "CREATE TABLE users (id int PRIMARY KEY)");
        backstop = Backstop.builder()
                .settings(Map.of(Setting.APPROVAL, "wait", Setting.CONTROL, store().toString()))
                .agentId("agent")
                .build();
        connection = backstop.guard(database.connect());
        statement = connection.createStatement();
    }

    @AfterEach
    void close() throws SQLException {
        threads.shutdownNow();
        connection.close();
        backstop.close();
    }

    private Path store() {
        return folder.resolve("backstop.db");
    }

    /** Something that is lost, and whether an operator can still decide afterwards. */
    enum Loss {
        STATEMENT(true) {
            @Override
            void happen(ApprovalWaitLossTest test) throws Exception {
                test.statement.close();
            }
        },
        CONNECTION(true) {
            @Override
            void happen(ApprovalWaitLossTest test) throws Exception {
                test.connection.abort(Runnable::run);
            }
        },
        SESSION_OF_THE_SERVER(true) {
            @Override
            void happen(ApprovalWaitLossTest test) throws Exception {
                test.database.run("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                        + " WHERE datname = current_database() AND pid <> pg_backend_pid()");
            }
        },
        GUARD(true) {
            @Override
            void happen(ApprovalWaitLossTest test) {
                test.backstop.close();
            }
        },
        STORE(false) {
            @Override
            void happen(ApprovalWaitLossTest test) throws Exception {
                for (String part : List.of("", "-wal", "-shm")) {
                    Files.deleteIfExists(test.folder.resolve("backstop.db" + part));
                }
            }
        },
        STORE_THAT_IS_ANOTHER_NOW(false) {
            @Override
            void happen(ApprovalWaitLossTest test) throws Exception {
                STORE.happen(test);
                try (SqlControlStore other =
                        SqlControlStore.sqlite(test.folder.resolve("other.db"), Clock.systemUTC())) {
                    assertThat(other.approvals().list(ApprovalState.values())).isEmpty();
                }
                Files.move(test.folder.resolve("other.db"), test.store());
            }
        },
        THREAD(true) {
            @Override
            void happen(ApprovalWaitLossTest test) {
                test.threads.shutdownNow();
            }
        };

        private final boolean decidable;

        Loss(boolean decidable) {
            this.decidable = decidable;
        }

        abstract void happen(ApprovalWaitLossTest test) throws Exception;
    }

    @ParameterizedTest
    @EnumSource
    void it_does_not_run_and_spends_nothing(Loss loss) throws Exception {
        Future<Boolean> waiting = threads.submit(() -> statement.execute(SQL));
        String id = request(waiting);
        loss.happen(this);
        if (loss.decidable) {
            try (SqlControlStore operators = SqlControlStore.sqlite(store(), Clock.systemUTC())) {
                operators.approvals().decide(id, true, "ops");
            }
        }
        assertThat(catchThrowableOfType(ExecutionException.class, waiting::get)).hasCauseInstanceOf(SQLException.class);
        assertThat(database.value("SELECT coalesce(obj_description('users'::regclass), 'none')"))
                .isEqualTo("none");
        if (loss.decidable) {
            try (SqlControlStore operators = SqlControlStore.sqlite(store(), Clock.systemUTC())) {
                assertThat(operators.approvals().find(id).orElseThrow().state()).isEqualTo(ApprovalState.APPROVED);
            }
        }
    }

    private String request(Future<?> waiting) throws SQLException {
        try (SqlControlStore operators = SqlControlStore.sqlite(store(), Clock.systemUTC())) {
            while (true) {
                List<Approval> pending = operators.approvals().list(ApprovalState.PENDING);
                if (!pending.isEmpty()) {
                    return pending.get(0).id();
                }
                assertThat(waiting.isDone()).isFalse();
                Thread.onSpinWait();
            }
        }
    }
}
