package io.backstop.jdbc;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Clock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/** Calls in JDBC's escape syntax, judged as what pgjdbc makes of them; and the values of what only the catalog holds. */
@ExtendWith(PostgresExtension.class)
class CallEscapesTest {
    @TempDir
    private Path folder;

    private TestDatabase database;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP TABLE IF EXISTS calls",
                "CREATE TABLE calls (n int)",
                "CREATE OR REPLACE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2'",
                "CREATE OR REPLACE FUNCTION noted(int) RETURNS int LANGUAGE sql AS"
                        + " 'INSERT INTO public.calls VALUES ($1) RETURNING n'",
                "CREATE OR REPLACE PROCEDURE note(int) LANGUAGE sql AS 'INSERT INTO public.calls VALUES ($1)'");
    }

    private Connection connect(String policy, String mode) throws SQLException {
        return DriverManager.getConnection(database.backstopUrl("backstop.policy=" + policy + "&backstop.control="
                + folder.resolve("backstop.db") + "&backstop.agentId=caller&escapeSyntaxCallMode=" + mode));
    }

    private void approve(String id) throws SQLException {
        SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC())
                .approvals()
                .decide(id, true, "ops");
    }

    @ParameterizedTest
    @ValueSource(strings = {"select", "callIfNoReturn"})
    void a_function_that_only_reads_is_called_like_one(String mode) throws SQLException {
        try (Connection connection = connect("read-only", mode);
                CallableStatement call = connection.prepareCall("{? = call twice(?)}")) {
            call.registerOutParameter(1, Types.INTEGER);
            call.setInt(2, 21);
            call.execute();
            assertThat(call.getInt(1)).isEqualTo(42);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"{call note(?)}", "{ call note(?) }", "call note(?)"})
    void a_procedure_is_held_and_runs_once_when_it_is_approved(String sql) throws SQLException {
        try (Connection connection = connect("strict", "callIfNoReturn");
                CallableStatement call = connection.prepareCall(sql)) {
            call.setInt(1, 7);
            approve(catchThrowableOfType(ApprovalRequiredException.class, call::execute)
                    .approvalId());
            call.execute();
        }
        assertThat(database.value("SELECT string_agg(n::text, ',') FROM calls")).isEqualTo("7");
    }

    @Test
    void a_volatile_function_in_a_prepared_query_can_be_approved_with_its_values() throws SQLException {
        try (Connection connection = connect("strict", "select");
                PreparedStatement query = connection.prepareStatement("SELECT noted(?), ?::text, ?::date")) {
            query.setInt(1, 7);
            query.setString(2, "seven");
            query.setObject(3, java.time.LocalDate.of(2026, 1, 7));
            approve(catchThrowableOfType(ApprovalRequiredException.class, query::executeQuery)
                    .approvalId());
            query.setInt(1, 8);
            assertThat((Throwable) catchThrowableOfType(ApprovalRequiredException.class, query::executeQuery))
                    .as("other values")
                    .isNotNull();
            query.setInt(1, 7);
            query.executeQuery().close();
        }
        assertThat(database.value("SELECT string_agg(n::text, ',') FROM calls")).isEqualTo("7");
    }
}
