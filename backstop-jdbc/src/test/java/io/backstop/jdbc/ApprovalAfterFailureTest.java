package io.backstop.jdbc;

import io.backstop.api.approval.ApprovalState;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.jdbc.policy.PolicyReader;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/** An error of the server gives an approval back only where nothing of the statement can have stayed. */
@Sampled
@ExtendWith(PostgresExtension.class)
class ApprovalAfterFailureTest {
    private static final String POLICY = """
            {"require_approval_for_risks": ["WRITE", "HIGH", "CRITICAL"], "snapshot_mode": "off",
             "require_recovery_for_critical": false}""";

    @TempDir
    private Path folder;

    private TestDatabase database;
    private SqlControlStore store;
    private Backstop backstop;

    @BeforeEach
    void open(TestDatabase testDatabase) throws Exception {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE SEQUENCE numbers",
                "CREATE TABLE plain (id int)",
                "INSERT INTO plain VALUES (1)",
                "CREATE FUNCTION count_up() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
                        + " PERFORM setval(''numbers'', nextval(''numbers'') + 10); RAISE EXCEPTION ''late''; END'",
                "CREATE FUNCTION shows(int) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN"
                        + " PERFORM setval(''numbers'', nextval(''numbers'') + 10); RAISE EXCEPTION ''late''; END'",
                "CREATE TABLE fires (id int)",
                "INSERT INTO fires VALUES (1)",
                "CREATE TRIGGER up BEFORE INSERT OR UPDATE OR DELETE ON fires FOR EACH ROW EXECUTE FUNCTION count_up()",
                "CREATE TRIGGER emptied BEFORE TRUNCATE ON fires EXECUTE FUNCTION count_up()",
                "CREATE TABLE counted (id int CHECK (id > 0), n bigint DEFAULT setval('numbers', 30))",
                "CREATE TABLE numbered (id int CHECK (id > 0), n bigserial)",
                "CREATE TABLE parent (id int PRIMARY KEY)",
                "INSERT INTO parent VALUES (1)",
                "CREATE TABLE child (id int REFERENCES parent ON DELETE CASCADE)",
                "INSERT INTO child VALUES (1)",
                "CREATE TRIGGER up BEFORE DELETE ON child FOR EACH ROW EXECUTE FUNCTION count_up()",
                "CREATE VIEW viewed AS SELECT * FROM fires",
                "CREATE TABLE checked (id int)",
                "INSERT INTO checked VALUES (1)",
                "CREATE DOMAIN from_sequence AS bigint DEFAULT nextval('numbers')");
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
        backstop = Backstop.builder()
                .control(store)
                .agentId("agent")
                .policy(new PolicyReader().read(POLICY, "every write is held"))
                .build();
    }

    @AfterEach
    void close() {
        backstop.close();
    }

    private static final List<String> LASTING = List.of(
            "UPDATE plain SET id = CASE WHEN setval('numbers', nextval('numbers') + 10) > 0 THEN 1 / (id - 1) END"
                    + " WHERE id = 1",
            "UPDATE plain SET id = CASE WHEN nextval('numbers') > 0 THEN 1 / (id - 1) END WHERE id = 1",
            "UPDATE fires SET id = 2 WHERE id = 1",
            "DELETE FROM fires WHERE id = 1",
            "TRUNCATE fires",
            "INSERT INTO fires VALUES (3)",
            "INSERT INTO counted (id) VALUES (-1)",
            "INSERT INTO numbered (id) VALUES (-1)",
            "MERGE INTO fires USING plain ON fires.id = plain.id WHEN MATCHED THEN DELETE",
            "DELETE FROM parent WHERE id = 1",
            "DELETE FROM viewed WHERE id = 1",
            "CREATE TABLE made AS SELECT setval('numbers', nextval('numbers') + 10), 1 / (id - 1) FROM plain",
            "ALTER TABLE plain ADD COLUMN more bigint DEFAULT setval('numbers', 20), ADD CHECK (id < 0)",
            "ALTER TABLE plain ADD COLUMN more from_sequence, ADD CHECK (id < 0)",
            "ALTER TABLE checked ADD CHECK (shows(id))");

    static Stream<Arguments> lasting() {
        return LASTING.stream().flatMap(sql -> Stream.of(Arguments.of(sql, true), Arguments.of(sql, false)));
    }

    @ParameterizedTest
    @MethodSource("lasting")
    void it_is_spent_where_a_rollback_does_not_undo_all(String sql, boolean autoCommit) throws Exception {
        assertThat(stateAfterFailure(sql, autoCommit)).isEqualTo(ApprovalState.CONSUMED);
    }

    private static final List<String> UNDONE = List.of(
            "UPDATE plain SET id = 1 / (id - 1) WHERE id = 1",
            "DELETE FROM plain WHERE 1 / (id - 1) > 0",
            "ALTER TABLE plain ADD CHECK (id < 0)",
            "CREATE TABLE plain (id int)");

    static Stream<Arguments> undone() {
        return UNDONE.stream().flatMap(sql -> Stream.of(Arguments.of(sql, true), Arguments.of(sql, false)));
    }

    @ParameterizedTest
    @MethodSource("undone")
    void it_is_given_back_where_a_rollback_undoes_all(String sql, boolean autoCommit) throws Exception {
        assertThat(stateAfterFailure(sql, autoCommit)).isEqualTo(ApprovalState.APPROVED);
    }

    private ApprovalState stateAfterFailure(String sql, boolean autoCommit) throws Exception {
        assertThat(catchThrowable(() -> send(sql, autoCommit))).isInstanceOf(ApprovalRequiredException.class);
        String id = store.approvals().list(ApprovalState.PENDING).get(0).id();
        store.approvals().decide(id, true, "ops");
        assertThat(catchThrowable(() -> send(sql, autoCommit)))
                .isInstanceOf(SQLException.class)
                .isNotInstanceOf(ApprovalRequiredException.class);
        return store.approvals().find(id).orElseThrow().state();
    }

    private void send(String sql, boolean autoCommit) throws SQLException {
        try (Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(autoCommit);
            statement.execute(sql);
        }
    }
}
