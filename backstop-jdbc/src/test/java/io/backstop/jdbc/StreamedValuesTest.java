package io.backstop.jdbc;

import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.policy.Policy;
import io.backstop.jdbc.policy.PolicyReader;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.util.ByteStreamWriter;

import javax.sql.rowset.serial.SerialBlob;
import javax.sql.rowset.serial.SerialClob;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLXML;
import java.sql.Statement;
import java.sql.Types;
import java.time.Duration;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A value that the driver reads from a stream is sent once, and never again with what is left of it. */
@ExtendWith(PostgresExtension.class)
class StreamedValuesTest {
    private static final byte[] BYTES = {1, 2, 3, 4, 5, 6, 7, 8, 9};

    private static final String ROLLED_BACK =
            "the statement was rolled back: it changed 60 rows, more than 50 percent of acc; it cannot be run again, because"
                    + " one of its values is a stream that has been read\n"
                    + "HINT: bind it with setBytes or setString, or change fewer rows at a time";

    @TempDir
    private Path folder;

    private final FakeSnapshots snapshots = new FakeSnapshots();
    private TestDatabase database;
    private Backstop backstop;
    private Connection connection;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE acc (id int PRIMARY KEY, b bytea, t text, o oid, x xml)",
                "INSERT INTO acc SELECT i, 'old', 'old' FROM generate_series(1, 100) i");
        backstop = Backstop.builder()
                .policy("application")
                .snapshots(snapshots)
                .control(folder.resolve("backstop.db"))
                .build();
        connection = backstop.guard(database.connect());
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        backstop.close();
    }

    private void assertUnchanged() throws SQLException {
        assertThat(database.value("SELECT count(*) FROM acc WHERE b = 'old' AND t = 'old' AND o IS NULL AND x IS NULL"))
                .isEqualTo("100");
    }

    private static void assertRolledBack(PreparedStatement statement, String message) {
        assertThatThrownBy(statement::execute)
                .isInstanceOfSatisfying(
                        ImpactLimitException.class,
                        e -> assertThat(e.getSQLState()).isEqualTo("ZB010"))
                .hasMessage(message);
    }

    interface Binding {
        void to(PreparedStatement statement) throws SQLException;
    }

    private static InputStream stream() {
        return new ByteArrayInputStream(BYTES);
    }

    private static InputStream letters() {
        return new ByteArrayInputStream("abcdefghi".getBytes(StandardCharsets.UTF_8));
    }

    @SuppressWarnings("deprecation") // setUnicodeStream, which JDBC still has
    static Stream<Arguments> streams() {
        return Stream.of(
                value("b", "\\x010203", s -> s.setBinaryStream(1, stream(), 3)),
                value("b", "\\x010203", s -> s.setBinaryStream(1, stream(), 3L)),
                value("b", "\\x010203040506070809", s -> s.setBinaryStream(1, stream(), 9)),
                value("b", "\\x010203040506070809", s -> s.setBinaryStream(1, stream())),
                value(
                        "b",
                        "\\x010203040506070809",
                        s -> s.setObject(
                                1,
                                ByteStreamWriter.of(
                                        ByteBuffer.allocateDirect(9).put(BYTES).flip()))),
                value("t", "abc", s -> s.setAsciiStream(1, letters(), 3)),
                value("t", "abc", s -> s.setUnicodeStream(1, letters(), 3)),
                value("t", "abc", s -> s.setCharacterStream(1, new StringReader("abcdef"), 3)),
                value("t", "abcdef", s -> s.setCharacterStream(1, new StringReader("abcdef"))),
                value("t", "abcdefghi", s -> s.setObject(1, letters(), Types.LONGVARCHAR)));
    }

    private static Arguments value(String column, String stored, Binding binding) {
        return Arguments.of(column, stored, binding);
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("streams")
    void a_stream_is_not_sent_again_where_the_write_passes_the_limit(String column, String stored, Binding binding)
            throws SQLException {
        try (PreparedStatement update =
                connection.prepareStatement("UPDATE acc SET " + column + " = ? WHERE id <= 60")) {
            binding.to(update);
            assertRolledBack(update, ROLLED_BACK);
        }
        assertUnchanged();
        assertThat(connection.getAutoCommit()).isTrue();
        assertThat(snapshots.requests).isEmpty();
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("streams")
    void a_stream_is_stored_as_it_is_where_the_write_is_within_the_limit(String column, String stored, Binding binding)
            throws SQLException {
        try (PreparedStatement update =
                connection.prepareStatement("UPDATE acc SET " + column + " = ? WHERE id <= 40")) {
            binding.to(update);
            assertThat(update.executeUpdate()).isEqualTo(40);
        }
        assertThat(database.rows("SELECT DISTINCT " + column + " FROM acc WHERE id <= 40"))
                .containsExactly(stored);
    }

    @Test
    void the_callers_transaction_goes_on_after_the_refusal() throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement();
                PreparedStatement update = connection.prepareStatement("UPDATE acc SET b = ? WHERE id <= ?")) {
            statement.execute("INSERT INTO acc VALUES (101, 'mine')");
            update.setBinaryStream(1, stream(), 3);
            update.setInt(2, 60);
            assertRolledBack(update, ROLLED_BACK);
            update.setBinaryStream(1, stream(), 3);
            update.setInt(2, 2);
            assertThat(update.executeUpdate()).isEqualTo(2);
            connection.commit();
        }
        assertThat(database.rows("SELECT id || ' ' || b::text FROM acc WHERE b <> 'old' ORDER BY id"))
                .containsExactly("1 \\x010203", "2 \\x010203", "101 \\x6d696e65");
    }

    @Test
    void what_is_bound_in_place_of_a_stream_can_be_sent_again() throws SQLException {
        try (PreparedStatement update = connection.prepareStatement("UPDATE acc SET b = ? WHERE id <= 60")) {
            update.setBinaryStream(1, stream(), 3);
            update.setBytes(1, new byte[] {7});
            assertThat(update.executeUpdate()).isEqualTo(60);
            update.setBinaryStream(1, stream(), 3);
            update.clearParameters();
            update.setBinaryStream(1, null, 0);
            assertThat(update.executeUpdate()).isEqualTo(60);
        }
        assertThat(snapshots.requests).hasSize(2);
        assertThat(database.value("SELECT count(*) FROM acc WHERE b IS NULL")).isEqualTo("60");
    }

    static Stream<Arguments> readWhenBound() {
        return Stream.of(
                value(
                        "convert_from(lo_get(o), 'utf8')",
                        "abc",
                        s -> s.setBlob(1, new SerialBlob(new byte[] {'a', 'b', 'c'}))),
                value("convert_from(lo_get(o), 'utf8')", "abc", s -> s.setClob(1, new SerialClob("abc".toCharArray()))),
                value("x", "<a/>", s -> s.setSQLXML(1, xml(s.getConnection()))),
                value("t", "PT1H", s -> s.setObject(1, Duration.ofHours(1), Types.OTHER)));
    }

    private static SQLXML xml(Connection connection) throws SQLException {
        SQLXML xml = connection.createSQLXML();
        xml.setString("<a/>");
        return xml;
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("readWhenBound")
    void what_the_driver_reads_when_it_is_bound_is_sent_again(String stored, String value, Binding binding)
            throws SQLException {
        String column = stored.length() == 1 ? stored : "o";
        connection.setAutoCommit(false); // as large objects ask for
        try (PreparedStatement update =
                connection.prepareStatement("UPDATE acc SET " + column + " = ? WHERE id <= 60")) {
            binding.to(update);
            assertThat(update.executeUpdate()).isEqualTo(60);
        }
        connection.commit();
        assertThat(database.rows("SELECT DISTINCT " + stored + "::text FROM acc WHERE id <= 60"))
                .containsExactly(value);
        assertThat(snapshots.requests).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_stream_is_not_sent_again_to_code_that_cannot_be_read(boolean asCall) throws Exception {
        database.run("CREATE FUNCTION fill(bytea) RETURNS int LANGUAGE sql AS" + " 'UPDATE acc SET b = $1; SELECT 1'");
        String sql = asCall ? "{call fill(?)}" : "SELECT fill(?)";
        Policy lenient = new PolicyReader()
                .read(
                        "{\"require_approval_for_risks\": [], \"block_unrecoverable_operations\": false,"
                                + " \"max_write_rows_without_critical\": 50}",
                        "lenient");
        try (Backstop running = Backstop.builder()
                        .policy(lenient)
                        .snapshots(snapshots)
                        .control(folder.resolve("lenient.db"))
                        .build();
                Connection guarded = running.guard(database.connect());
                PreparedStatement call = asCall ? guarded.prepareCall(sql) : guarded.prepareStatement(sql)) {
            call.setBinaryStream(1, stream(), 3);
            assertRolledBack(
                    call,
                    "the statement was rolled back: it changed 100 rows, and the policy lets 50 pass; it cannot be run"
                            + " again, because one of its values is a stream that has been read\n"
                            + "HINT: bind it with setBytes or setString, or change fewer rows at a time");
        }
        assertUnchanged();
    }
}
