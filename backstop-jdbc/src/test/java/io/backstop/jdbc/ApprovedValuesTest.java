package io.backstop.jdbc;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.util.PGobject;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.Clock;
import java.util.Calendar;
import java.util.TimeZone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/** An approval serves for the values that the driver sends, whatever was said about them when they were bound. */
@ExtendWith(PostgresExtension.class)
class ApprovedValuesTest {
    private static final String BY_NAME = "DELETE FROM users WHERE name = ?";
    private static final String BY_ID = "DELETE FROM users WHERE id <= ?";
    private static final String BY_ARRAY = "DELETE FROM users WHERE id = ANY (?)";
    private static final String BY_TIME = "DELETE FROM users WHERE since = ?";

    @TempDir
    private Path folder;

    private TestDatabase database;
    private SqlControlStore store;
    private Backstop backstop;
    private Connection connection;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException, IOException {
        database = testDatabase;
        database.run(
                "DROP TABLE IF EXISTS users",
                "CREATE TABLE users (id int PRIMARY KEY, name text, since timestamp)",
                "INSERT INTO users SELECT n, 'u' || n, timestamp '1970-01-01 12:00' + n * interval '1 hour'"
                        + " FROM generate_series(1, 10) AS n");
        Path policy = Files.writeString(
                folder.resolve("policy.json"), "{\"require_approval_for_risks\": [\"WRITE\", \"HIGH\", \"CRITICAL\"]}");
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
        backstop = Backstop.builder()
                .control(store)
                .policy(policy.toString())
                .agentId("agent")
                .build();
        connection = backstop.guard(database.connect());
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        backstop.close();
    }

    private interface Binding {
        void bind(PreparedStatement statement) throws SQLException;
    }

    private void approved(String sql, Binding binding) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            binding.bind(statement);
            String id = catchThrowableOfType(ApprovalRequiredException.class, statement::executeUpdate)
                    .approvalId();
            store.approvals().decide(id, true, "ops");
        }
    }

    private void assertNotServed(String sql, Binding binding) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            assertThatThrownBy(() -> {
                        binding.bind(statement);
                        statement.executeUpdate();
                    })
                    .isInstanceOfAny(SQLException.class, UncheckedIOException.class);
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("10");
    }

    private void assertServed(String sql, Binding binding) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            binding.bind(statement);
            assertThat(statement.executeUpdate()).isEqualTo(1);
        }
    }

    @Test
    void a_reader_that_binds_another_value_while_it_is_read() throws SQLException {
        approved(BY_NAME, statement -> statement.setString(1, "u1"));
        assertNotServed(BY_NAME, statement -> statement.setCharacterStream(1, bindingAgain(statement, "u2"), 2));
    }

    private static Reader bindingAgain(PreparedStatement statement, String text) {
        return new StringReader(text) {
            @Override
            public int read(char[] buffer, int offset, int length) throws IOException {
                try {
                    statement.setString(1, "u1");
                } catch (SQLException e) {
                    throw new IOException(e);
                }
                return super.read(buffer, offset, length);
            }
        };
    }

    @Test
    void a_stream_that_binds_another_value_while_it_is_read() throws SQLException {
        approved(BY_NAME, statement -> statement.setString(1, "u1"));
        assertNotServed(BY_NAME, statement -> statement.setAsciiStream(1, streamBindingAgain(statement, "u2"), 2));
    }

    private static InputStream streamBindingAgain(PreparedStatement statement, String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.US_ASCII)) {
            @Override
            public synchronized int read(byte[] buffer, int offset, int length) {
                try {
                    statement.setString(1, "u1");
                } catch (SQLException e) {
                    throw new UncheckedIOException(new IOException(e));
                }
                return super.read(buffer, offset, length);
            }
        };
    }

    @Test
    void a_value_that_the_driver_refused_while_it_holds_another() throws SQLException {
        approved(BY_ID, statement -> statement.setObject(1, 1, Types.INTEGER));
        assertNotServed(BY_ID, statement -> {
            statement.setInt(1, 9);
            assertThatThrownBy(() -> statement.setObject(1, "no number", Types.INTEGER))
                    .isInstanceOf(SQLException.class);
        });
    }

    private enum Letter {
        A;

        @Override
        public String toString() {
            return "u2";
        }
    }

    @Test
    void a_constant_that_has_another_name_than_text() throws SQLException {
        approved(BY_NAME, statement -> statement.setObject(1, "A", Types.VARCHAR));
        assertNotServed(BY_NAME, statement -> statement.setObject(1, Letter.A, Types.VARCHAR));
    }

    @Test
    void an_array_that_reads_differently_the_second_time() throws SQLException {
        approved(BY_ARRAY, statement -> statement.setArray(1, connection.createArrayOf("int4", new Object[] {1})));
        assertNotServed(BY_ARRAY, statement -> statement.setArray(1, changing("{1}", "{1,2,3}")));
    }

    private static Array changing(String first, String then) {
        int[] asked = {0};
        return (Array) Proxy.newProxyInstance(
                ApprovedValuesTest.class.getClassLoader(), new Class<?>[] {Array.class}, (proxy, method, values) -> {
                    if (method.getName().equals("toString")) {
                        return asked[0]++ == 0 ? first : then;
                    }
                    return method.getName().equals("getBaseTypeName") ? "int4" : null;
                });
    }

    @Test
    void an_object_that_reads_differently_the_second_time() throws SQLException {
        PGobject one = new PGobject();
        one.setType("int4");
        one.setValue("1");
        approved(BY_ID, statement -> statement.setObject(1, one));
        int[] asked = {0};
        PGobject changing = new PGobject() {
            @Override
            public String getValue() {
                return asked[0]++ == 0 ? "1" : "9";
            }
        };
        changing.setType("int4");
        assertNotServed(BY_ID, statement -> statement.setObject(1, changing));
    }

    @Test
    void a_time_that_other_digits_stand_for_in_another_zone_of_the_machine() throws SQLException {
        TimeZone before = TimeZone.getDefault();
        try {
            TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
            Timestamp noon = Timestamp.valueOf("1970-01-01 13:00:00");
            approved(BY_TIME, statement -> statement.setTimestamp(1, noon));
            TimeZone.setDefault(TimeZone.getTimeZone("Etc/GMT-3"));
            assertNotServed(BY_TIME, statement -> statement.setTimestamp(1, noon));
        } finally {
            TimeZone.setDefault(before);
        }
    }

    @Test
    void a_calendar_of_the_same_zone_serves() throws SQLException {
        Timestamp time = new Timestamp(13 * 3_600_000L);
        approved(
                BY_TIME,
                statement -> statement.setTimestamp(1, time, Calendar.getInstance(TimeZone.getTimeZone("UTC"))));
        Calendar another = Calendar.getInstance(TimeZone.getTimeZone("UTC"));
        another.add(Calendar.SECOND, 5);
        assertServed(BY_TIME, statement -> statement.setTimestamp(1, time, another));
    }

    @Test
    void equal_values_of_another_statement_serve() throws SQLException {
        approved(BY_NAME, statement -> statement.setString(1, "u1"));
        assertServed(BY_NAME, statement -> statement.setString(1, "u1"));
        approved(BY_ARRAY, statement -> statement.setArray(1, connection.createArrayOf("int4", new Object[] {2})));
        assertServed(BY_ARRAY, statement -> statement.setArray(1, connection.createArrayOf("int4", new Object[] {2})));
    }
}
