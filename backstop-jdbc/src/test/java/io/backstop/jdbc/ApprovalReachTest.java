package io.backstop.jdbc;

import io.backstop.api.approval.ApprovalState;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.jdbc.policy.PolicyReader;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/** An approval serves only as long as everything that its statement reaches is what it was. */
@ExtendWith(PostgresExtension.class)
class ApprovalReachTest {
    private static final String POLICY = """
            {"require_approval_for_risks": ["WRITE", "HIGH", "CRITICAL"], "snapshot_mode": "off",
             "require_recovery_for_critical": false}""";

    @TempDir
    private Path folder;

    private TestDatabase database;
    private SqlControlStore store;
    private Backstop backstop;
    private Connection connection;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws Exception {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users (id int PRIMARY KEY, name text, alias text, tenant text)",
                "CREATE TABLE orders (id int PRIMARY KEY)",
                "INSERT INTO users SELECT n, 'n' || n, 'a' || n, 't' FROM generate_series(1, 10) AS n",
                "CREATE FUNCTION inner_step() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1'",
                "CREATE FUNCTION outer_step() RETURNS int LANGUAGE plpgsql VOLATILE AS"
                        + " 'BEGIN RETURN \"inner_step\"/**/(); END'",
                "CREATE PROCEDURE work() LANGUAGE plpgsql AS 'BEGIN PERFORM outer_step(); END'",
                "CREATE VIEW lower_view AS SELECT * FROM users WHERE id < 3",
                "CREATE VIEW upper_view AS SELECT * FROM lower_view",
                "CREATE FUNCTION on_update() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
                "CREATE TRIGGER users_updated BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION on_update()",
                "CREATE DOMAIN positive AS int CHECK (VALUE > 0)");
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
        backstop = Backstop.builder()
                .control(store)
                .policy(new PolicyReader().read(POLICY, "everything is held"))
                .agentId("agent")
                .build();
        connection = backstop.guard(database.connect());
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        backstop.close();
    }

    private void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private void approved(String sql) throws SQLException {
        String id = catchThrowableOfType(ApprovalRequiredException.class, () -> execute(sql))
                .approvalId();
        store.approvals().decide(id, true, "ops");
    }

    private void assertHeldAnew(String sql) throws SQLException {
        assertThatThrownBy(() -> execute(sql)).isInstanceOf(ApprovalRequiredException.class);
        assertThat(store.approvals().list(ApprovalState.PENDING)).hasSize(1);
        assertThat(store.approvals().list(ApprovalState.APPROVED)).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "CALL work() ~ CREATE OR REPLACE PROCEDURE work() LANGUAGE plpgsql AS 'BEGIN DELETE FROM users; END'",
                "CALL work() ~ ALTER PROCEDURE work() SET search_path = pg_temp",
                "CALL work() ~ ALTER PROCEDURE work() SECURITY DEFINER",
                "CALL work() ~ CREATE OR REPLACE FUNCTION inner_step() RETURNS int LANGUAGE sql AS 'SELECT 2'",
                "DO $$BEGIN PERFORM outer_step(); END$$ ~ CREATE OR REPLACE FUNCTION inner_step() RETURNS int LANGUAGE sql AS 'SELECT 2'",
                "DO $$BEGIN EXECUTE 'SELECT ' || 'inner_' || 'step()'; END$$ ~ CREATE OR REPLACE FUNCTION inner_step() RETURNS int LANGUAGE sql AS 'SELECT 2'",
                "SELECT outer_step() ~ CREATE OR REPLACE FUNCTION inner_step() RETURNS int LANGUAGE sql AS 'SELECT 2'",
                "UPDATE upper_view SET name = 'x' WHERE id = 1 ~ CREATE OR REPLACE VIEW lower_view AS SELECT * FROM users WHERE id > 3",
                "UPDATE users SET name = 'x' WHERE id = 1 ~ CREATE OR REPLACE FUNCTION on_update() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM orders; RETURN new; END'",
                "UPDATE users SET name = 'x' WHERE id = 1 ~ ALTER TABLE users DISABLE TRIGGER users_updated",
                "UPDATE users SET name = 'x' WHERE id = 1 ~ CREATE RULE more AS ON UPDATE TO users DO ALSO DELETE FROM orders",
                "UPDATE users SET name = 'x' WHERE id = 1 ~ ALTER TABLE users RENAME name TO spare; ALTER TABLE users RENAME alias TO name",
                "UPDATE users SET name = DEFAULT WHERE id = 1 ~ ALTER TABLE users ALTER name SET DEFAULT 'other'",
                "DELETE FROM orders WHERE id = 1 ~ CREATE TABLE items (order_id int REFERENCES orders ON DELETE CASCADE)",
                "ALTER TABLE users DROP COLUMN name ~ ALTER TABLE users RENAME name TO spare; ALTER TABLE users RENAME alias TO name",
                "UPDATE users SET id = '1'::positive WHERE id = 1 ~ ALTER DOMAIN positive ADD CHECK (VALUE > 1)",
                "DROP VIEW lower_view CASCADE ~ CREATE VIEW third AS SELECT * FROM upper_view",
                "CREATE TABLE more (id int) ~ CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER ddl ON ddl_command_end EXECUTE FUNCTION on_ddl()",
            })
    void what_was_approved_does_not_serve_when_what_it_reaches_has_changed(String sql, String change) throws Exception {
        approved(sql);
        try {
            database.run(change);
            assertHeldAnew(sql);
        } finally {
            database.run("DROP EVENT TRIGGER IF EXISTS ddl");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ANALYZE users",
                "GRANT SELECT ON users TO PUBLIC",
                "CREATE INDEX ON users (name)",
                "ALTER TABLE users ADD COLUMN more int",
                "INSERT INTO users VALUES (11)",
                "CREATE TABLE unrelated (id int)",
                "CREATE FUNCTION unrelated() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "SELECT outer_step()"
            })
    void what_was_approved_serves_when_something_else_has_changed(String change) throws Exception {
        String sql = "UPDATE users SET name = 'x' WHERE id = 1";
        approved(sql);
        database.run(change);
        execute(sql);
        assertThat(database.value("SELECT name FROM users WHERE id = 1")).isEqualTo("x");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE POLICY own ON users USING (tenant = current_setting('app.tenant'))",
                "CREATE FUNCTION own() RETURNS text LANGUAGE sql STABLE AS 'SELECT current_setting(''app.tenant'')';"
                        + " CREATE POLICY own ON users USING (tenant = own())",
                "CREATE FUNCTION own() RETURNS text STABLE RETURN current_setting('app.tenant');"
                        + " CREATE POLICY own ON users USING (tenant = own())",
                "CREATE OR REPLACE VIEW lower_view AS SELECT * FROM users WHERE tenant = current_setting('app.tenant')",
            })
    void a_setting_of_the_application_that_policies_or_views_read_is_bound(String reader) throws Exception {
        String sql = reader.contains("VIEW")
                ? "UPDATE upper_view SET name = 'x' WHERE id = 1"
                : "UPDATE users SET name = 'x' WHERE id = 1";
        database.run(reader);
        execute("SET app.tenant = 't'");
        approved(sql);
        execute("SET app.tenant = 'another'");
        assertHeldAnew(sql);
        execute("SET app.tenant = 't'");
        execute(sql);
        assertThat(store.approvals()
                        .list(ApprovalState.CONSUMED)
                        .get(0)
                        .request()
                        .session()
                        .settings())
                .as("the value may be a secret")
                .containsKey("app.tenant")
                .doesNotContainValue("t");
    }

    @Test
    void a_setting_of_the_server_that_code_reads_is_bound() throws Exception {
        database.run("CREATE POLICY own ON users USING (tenant = current_setting('application_name'))");
        String sql = "UPDATE users SET name = 'x' WHERE id = 1";
        execute("SET application_name = 't'");
        approved(sql);
        execute("SET application_name = 'another'");
        assertHeldAnew(sql);
    }

    @Test
    void the_row_on_which_a_cursor_stands_cannot_be_approved() throws Exception {
        connection.setAutoCommit(false);
        execute("DECLARE c CURSOR FOR SELECT * FROM users FOR UPDATE");
        execute("FETCH FROM c");
        assertThatThrownBy(() -> execute("UPDATE users SET name = 'x' WHERE CURRENT OF c"))
                .isInstanceOf(StatementBlockedException.class)
                .hasMessage(
                        "UPDATE is refused: an approval has to name the row, and this one is where a cursor stands\n"
                                + "HINT: name the row by its key");
        assertThatCode(() -> execute("SELECT 1")).doesNotThrowAnyException();
        connection.rollback();
        connection.setAutoCommit(true);
    }
}
