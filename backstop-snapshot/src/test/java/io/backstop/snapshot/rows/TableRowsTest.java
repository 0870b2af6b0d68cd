package io.backstop.snapshot.rows;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.snapshot.archive.CopyFormat;
import io.backstop.snapshot.archive.CopyMessageRows;
import io.backstop.snapshot.archive.CopyMessages;
import io.backstop.snapshot.archive.RowChecksum;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.CaptureSettings;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.ByteArrayOutputStream;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

/** A row read in slices has the bytes that COPY writes for it, whatever its columns are. */
@ExtendWith(PostgresExtension.class)
class TableRowsTest {
    private static final int LARGE = 2_000;

    /** Ends within characters, numbers and escapes. */
    private static final int SLICE = 7;

    private final TestDatabase database;

    TableRowsTest(TestDatabase database) {
        this.database = database;
    }

    @AfterEach
    void drop() throws SQLException {
        database.run(
                "DROP TABLE IF EXISTS t",
                "DROP TYPE IF EXISTS pair",
                "DROP DOMAIN IF EXISTS words, body, feeling, blank",
                "DROP TYPE IF EXISTS mood");
    }

    @ParameterizedTest
    @EnumSource
    void of_every_type_the_bytes_are_those_of_copy(CopyFormat format) throws Exception {
        String binary = "a boolean, b smallint, c integer, d bigint, e real, f double precision, g numeric, h money,"
                + " i text, j varchar, k varchar(9), l char(12), m \"char\", n name, o bytea, p date, q timetz,"
                + " r timestamptz, s interval, t uuid, u json, v jsonb, w int4range, x int8multirange, y cidr, z macaddr8,"
                + " aa bit(5), ab varbit, ac point, ad path, ae polygon, af tsvector, ag int[], ah text[][], ai numeric[],"
                + " aj bytea[], ak words, al body, am pg_lsn, an jsonpath, ao timestamp[], ap words[], aq mood,"
                + " ar feeling, au numeric(10, 2), av blank";
        String text = ", ba regclass, bb tsquery, bc xml, bd pair, be pair[], bf int2vector";
        String values = "true, 1, 2, 3, 1.5, 'NaN', 1e300, '-1.5', E'a\\tb\\\\c\\nd\\re\\bf\\fg\\vé€😀', 'v', 'w',"
                + " 'blank  ', 'x', 'n', '\\x00ff5c', '0044-03-15 BC', '04:05:06+02', 'infinity', '-1 y 2 mons',"
                + " 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', ' {\"a\" :1}', '{\"a\": [1, 1e500, \"\\u0001\"]}', '[1,5)',"
                + " '{[1,3),[5,7)}', '10/8', '08:00:2b:01:02:03:04:05', B'10101', B'1', '(1.1,-0)', '((0,0),(1,1))',"
                + " '((0,0),(1,1),(2,0))', 'a:1A b:2', '{1,NULL,3}', E'{{\"a\\\\\\\\b\",NULL},{\"\",\"{}\"}}', '{1e100,NULL}',"
                + " E'{\"\\\\\\\\x00ff\"}', 'dom', 'body', '16/B374D848', '$.a', '{infinity}', '{a,b}', 'glad',"
                + " 'glad', 1.5, 'two'";
        String other = ", 'pg_class', 'a & b', '<a>&lt;</a>', '(1,\"a\\\"\\\\\")', '{\"(,)\"}', '1 2'";
        boolean all = format == CopyFormat.TEXT;
        database.run(
                "CREATE TYPE pair AS (a int, b text)",
                "CREATE DOMAIN words AS varchar(40)",
                "CREATE TYPE mood AS ENUM ('glad')",
                "CREATE DOMAIN feeling AS mood",
                "CREATE DOMAIN blank AS char(5)",
                "CREATE DOMAIN body AS text CHECK (value <> 'no')",
                "CREATE TABLE t (" + binary.replace("ap words[]", all ? "ap words[]" : "ap int8[]") + (all ? text : "")
                        + ", big text)",
                "INSERT INTO t VALUES (" + values.replace("'{a,b}'", all ? "'{a,b}'" : "'{1,2}'") + (all ? other : "")
                        + ", repeat('é', 3000))",
                "INSERT INTO t (big) VALUES (repeat('x', 5000)), ('small'), (NULL)",
                "INSERT INTO t (i, o, ah, big) VALUES ('', '', '{}', repeat(E'\\\\\\n', 3000))");
        assertSlicedAsCopied(format, 3, 2);
    }

    private static Stream<Arguments> largeValues() {
        return Stream.of(
                arguments("a text", "repeat('x', 3000)"),
                arguments("a bytea", "decode(repeat('ab', 3000), 'hex')"),
                arguments("a varchar(3500)", "repeat('x', 3000)"),
                arguments("a jsonb", "to_jsonb(repeat('x', 3000))"),
                arguments("a jsonb", "'[1e3000]'"),
                arguments("a int[]", "array_fill(7, ARRAY[1000])"),
                arguments("a bool[]", "array_fill(true, ARRAY[2000])"),
                arguments("a varbit", "B'1'::bit(20000)"),
                arguments("a json", "('\"' || repeat('x', 3000) || '\"')::json"),
                arguments(
                        "a tsvector",
                        "(SELECT to_tsvector('simple', string_agg(md5(i::text), ' ')) FROM generate_series(1, 99) i)"),
                arguments(
                        "a int4multirange",
                        "(SELECT range_agg(int4range(i * 3, i * 3 + 1)) FROM generate_series(1, 400) i)"),
                arguments("a text COMPRESSION pglz", "repeat('x', 100000)"),
                arguments("a body", "repeat('x', 3000)"),
                arguments(
                        "a text, b text, c text, d bytea",
                        "repeat('x', 600), repeat('y', 600), repeat('z', 600), repeat('w', 600)::bytea"));
    }

    @ParameterizedTest
    @MethodSource("largeValues")
    void a_large_value_of_any_type_makes_its_row_large_in_both_formats(String columns, String values) throws Exception {
        database.run(
                "CREATE DOMAIN body AS text",
                "CREATE TABLE t (id int, " + columns + ")",
                "INSERT INTO t VALUES (1, " + values + ")",
                "INSERT INTO t VALUES (2)");
        assertSlicedAsCopied(CopyFormat.BINARY, 1, 1);
        assertSlicedAsCopied(CopyFormat.TEXT, 1, 1);
    }

    @Test
    void rows_are_large_by_their_condition_alone_and_in_none_that_was_read_before() throws Exception {
        database.run(
                "CREATE TABLE t (id int, a text)",
                "INSERT INTO t SELECT i, repeat('x', 3000 * (i % 2)) FROM generate_series(1, 6) i");
        try (Connection connection = begin()) {
            new CallerSession(connection).execute("SET backstop.large_rows = '(0,2) '");
            TableRows rows = rows(connection, CopyFormat.BINARY);
            assertThat(read(connection, rows, "id IN (1, 2)").large).isEqualTo(1);
            Received other = read(connection, rows, "id > 2");
            assertThat(other.large).isEqualTo(2);
            assertThat(other.rows).hasSize(4);
        }
    }

    @Test
    void a_table_whose_rows_cannot_be_large_is_read_as_it_always_was() throws Exception {
        database.run("CREATE TABLE t (id int, a text, b date, c varchar(100))", "INSERT INTO t VALUES (1, 'x')");
        try (Connection connection = begin()) {
            assertThat(statements(connection, CopyFormat.BINARY, TableRows.LARGE)
                            .mayBeLarge())
                    .isFalse();
            assertThat(statements(connection, CopyFormat.TEXT, TableRows.LARGE).mayBeLarge())
                    .isFalse();
        }
        database.run("UPDATE t SET a = (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 2000) i)");
        try (Connection connection = begin()) {
            assertThat(statements(connection, CopyFormat.BINARY, TableRows.LARGE)
                            .mayBeLarge())
                    .isTrue();
        }
    }

    @Test
    void many_numbers_are_measured_where_their_bounds_together_are_too_much() throws Exception {
        StringBuilder columns = new StringBuilder("n0 numeric");
        for (int i = 1; i < 40; i++) {
            columns.append(", n").append(i).append(" numeric");
        }
        database.run("CREATE TABLE t (" + columns + ")", "INSERT INTO t VALUES (1e131071, -1e131071, 1e-16383)");
        try (Connection connection = begin()) {
            assertThat(statements(connection, CopyFormat.TEXT, TableRows.LARGE).isMeasured())
                    .isTrue();
            assertThat(statements(connection, CopyFormat.TEXT, 20_000_000).mayBeLarge())
                    .isFalse();
        }
        assertSlicedAsCopied(CopyFormat.TEXT, 1, 0);
    }

    /** Two kilobytes on disk, which would be written with more than 1 GB of digits. */
    @Test
    void a_value_that_the_server_cannot_write_is_refused_by_name() throws Exception {
        database.run(
                "CREATE TABLE t (id int, a text[], b jsonb)",
                "INSERT INTO t VALUES (1, '{x}', '1'), (2, '{y}', to_jsonb(array_fill(1e131071, ARRAY[8300])))");
        try (Connection connection = begin()) {
            TableRows rows = rows(connection, CopyFormat.TEXT);
            assertThatThrownBy(() -> read(connection, rows, ""))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageContaining("column b of table public.t has a value that the server cannot write out: ");
        }
    }

    private void assertSlicedAsCopied(CopyFormat format, int large, int whole) throws Exception {
        try (Connection connection = begin()) {
            TableRows rows = rows(connection, format);
            RowChecksum copied = new RowChecksum();
            CopyMessageRows messages = new CopyMessageRows(format);
            List<String> expected = new ArrayList<>();
            CopyMessages.read(connection, "COPY public.t TO STDOUT " + format.options("UTF8"), message -> {
                if (messages.next(message)) {
                    messages.addTo(copied, message);
                    expected.add(hex(message, messages.offset(), messages.length()));
                }
            });

            Received received = read(connection, rows, "");

            assertThat(received.rows).containsExactlyInAnyOrderElementsOf(expected);
            assertThat(received.checksum.hex()).isEqualTo(copied.hex());
            assertThat(received.large).isEqualTo(large);
            assertThat(received.rows).hasSize(large + whole);
            assertThat(received.longest).isLessThan(4 * LARGE);
        }
    }

    private Connection begin() throws SQLException {
        Connection connection = database.connect();
        connection.setAutoCommit(false);
        CaptureSettings.apply(new CallerSession(connection));
        return connection;
    }

    private static TableRows rows(Connection connection, CopyFormat format) throws SQLException {
        return new TableRows(
                RelationName.of("public", "t"), columns(connection), widths(connection), format, "UTF8", LARGE, SLICE);
    }

    private static RowStatements statements(Connection connection, CopyFormat format, int large) throws SQLException {
        ColumnWidths widths = widths(connection);
        return new RowStatements(
                RelationName.of("public", "t"),
                columns(connection).stream().map(widths::of).toList(),
                format,
                "UTF8",
                widths.stored(),
                large,
                SLICE);
    }

    private static ColumnWidths widths(Connection connection) throws SQLException {
        long oid = Long.parseLong(new CallerSession(connection).value("SELECT 'public.t'::regclass::oid"));
        return ColumnWidths.read(connection, List.of(oid)).getOrDefault(oid, ColumnWidths.none());
    }

    private static List<String> columns(Connection connection) throws SQLException {
        List<String> names = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery("SELECT * FROM public.t LIMIT 0")) {
            for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
                names.add(result.getMetaData().getColumnName(i));
            }
        }
        return names;
    }

    private static Received read(Connection connection, TableRows rows, String condition) throws Exception {
        Received received = new Received();
        assertThat(rows.read(connection, condition, received.checksum, received))
                .isEqualTo(received.rows.size());
        return received;
    }

    private static String hex(byte[] bytes, int offset, int length) {
        return HexFormat.of().formatHex(Arrays.copyOfRange(bytes, offset, offset + length));
    }

    /** What came. */
    private static final class Received implements RowReceiver {
        private final RowChecksum checksum = new RowChecksum();
        private final List<String> rows = new ArrayList<>();
        private final ByteArrayOutputStream parts = new ByteArrayOutputStream();
        private int large;
        private int longest;

        @Override
        public void row(byte[] source, int offset, int length) {
            rows.add(hex(source, offset, length));
            longest = Math.max(longest, length);
        }

        @Override
        public void part(byte[] source, int offset, int length) {
            assertThat(length).isLessThanOrEqualTo(2 * SLICE);
            parts.write(source, offset, length);
        }

        @Override
        public void endOfRow() {
            rows.add(hex(parts.toByteArray(), 0, parts.size()));
            parts.reset();
            large++;
        }
    }
}
