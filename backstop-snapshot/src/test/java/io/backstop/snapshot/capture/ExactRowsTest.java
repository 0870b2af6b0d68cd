package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.archive.CopyFormat;
import io.backstop.snapshot.internal.copy.TableCopier;
import io.backstop.snapshot.store.MemoryObjectStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.postgresql.PGConnection;

import java.io.InputStream;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

import static io.backstop.snapshot.capture.Securing.only;
import static io.backstop.snapshot.capture.Securing.plain;
import static org.assertj.core.api.Assertions.assertThat;

/** What is stored is what was there, value by value, whatever the session is set to. */
@ExtendWith(PostgresExtension.class)
class ExactRowsTest {
    private final Securing securing = new Securing(new MemoryObjectStore());
    private TestDatabase database;

    @BeforeEach
    void empty(TestDatabase database) throws SQLException {
        this.database = database;
        database.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public");
    }

    @Test
    void values_of_all_common_types_come_back_as_they_were() throws Exception {
        database.run(
                "CREATE TYPE mood AS ENUM ('sad', 'it''s \"ok\"')",
                "CREATE TYPE pair AS (a integer, b text)",
                """
                CREATE TABLE t (b boolean, i2 smallint, i4 integer, i8 bigint, n numeric, n2 numeric(30,10), f4 real,
                    f8 double precision, m money, c char(5), v varchar(20), x text, y bytea, d date, ti time, tz timetz,
                    ts timestamp, tstz timestamptz, iv interval, u uuid, j json, jb jsonb, ia integer[], ta text[], mo mood,
                    p pair, pa pair[], r int4range, tr tstzrange, mr int4multirange, ip inet, mac macaddr, bi bit(5),
                    vb varbit, pt point, pg polygon, tsv tsvector, rc regclass, na name, o oid)
                """,
                """
                INSERT INTO t VALUES
                (true, -32768, -2147483648, -9223372036854775808, 'NaN', 1234567890.0123456789, 'NaN', 'NaN', '$1,234.56',
                 'ab', 'ü€𝄞', E'tab\\tnl\\nback\\\\slash\\r\\b\\v\\f', '\\x00ff5c0a09', '4713-01-01 BC', '23:59:59.999999',
                 '12:00:00.000001+14:30', '4713-01-01 00:00:00 BC', 'infinity', '-1 year 2 mons -3 days 04:05:06.789',
                 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a" :  1, "a": 2}', '{"a": 1e400}', '{{1,NULL},{3,4}}',
                 '{"a,b","NULL",NULL,""}', 'it''s "ok"', '(1,"x,)(")', '{"(1,a)","(,)"}', '[1,10)', '[2020-01-01,infinity)',
                 '{[1,3),[5,7)}', '2001:db8::1/64', '08:00:2b:01:02:03', B'10101', B'1', '(1.1,-0)', '((0,0),(1,1))',
                 'a:1A b:2', 'pg_class', 'n', 4294967295),
                (false, 32767, 2147483647, 9223372036854775807, 'Infinity', -0.0000000001, '-Infinity', '-0', '-$0.01', '',
                 '', '', '', 'infinity', '24:00:00', '00:00:00-15:59:59', '-infinity', '294276-12-31 23:59:59.999999+00',
                 '178000000 years', '00000000-0000-0000-0000-000000000000', 'null', 'null', '{}', '{}', 'sad', '(,)', '{}',
                 'empty', '(,)', '{}', '0.0.0.0/0', '00:00:00:00:00:00', B'00000', B'', '(1e-300,1e300)', '((0,0))', '',
                 't', '', 0)
                """,
                "INSERT INTO t (n, f4, f8, v, x, d) VALUES ('-Infinity', 1.1754944e-38, 4.9e-324, E'\\\\N', E'\\\\N', NULL)",
                "INSERT INTO t (f4, f8, x, d, tstz) VALUES (0.1, 0.1, E'\\\\.', '0044-03-15 BC', '0001-01-01 00:00:00+00 BC')");
        assertComesBack("public", "t", 4);
    }

    @Test
    void strange_names_are_names() throws Exception {
        String schema = "sch.\"ema\n";
        String table = "日".repeat(20) + "abc";
        String quoted = RelationName.of(schema, table).quoted();
        database.run(
                "CREATE SCHEMA " + RelationName.quote(schema),
                "CREATE TABLE " + quoted + " (\"a \"\"b\" integer, \"SELECT\" text, \"ü\n\" text)",
                "INSERT INTO " + quoted + " VALUES (1, 'x', 'y'), (2, NULL, '')");
        Destruction truncate = new Destruction(Kind.TRUNCATE, List.of(RelationName.of(schema, table)), false, false);
        try (Connection connection = Securing.begin(database)) {
            SnapshotManifest manifest = only(securing.secure(connection, truncate));
            assertThat(manifest.table()).isEqualTo(table);
            assertThat(securing.rows(database, manifest)).containsExactly("1\tx\ty", "2\t\\N\t");
            assertThat(securing.archive.list(schema, table)).containsExactly(manifest);
        } finally {
            database.run("DROP SCHEMA " + RelationName.quote(schema) + " CASCADE");
        }
    }

    @Test
    void dropped_and_generated_columns_are_left_out() throws Exception {
        database.run(
                "CREATE TABLE t (gone text, a integer, twice integer GENERATED ALWAYS AS (a * 2) STORED, b text)",
                "INSERT INTO t VALUES ('x', 1, DEFAULT, 'one'), ('y', 2, DEFAULT, 'two')",
                "ALTER TABLE t DROP COLUMN gone");
        SnapshotManifest manifest = assertComesBack("public", "t", 2);
        assertThat(manifest.columns())
                .containsExactly(
                        new SnapshotManifest.Column("a", "integer", Optional.of(2)),
                        new SnapshotManifest.Column("b", "text", Optional.of(4)));
    }

    @Test
    void rows_without_columns_are_counted() throws Exception {
        database.run(
                "CREATE TABLE nothing ()",
                "INSERT INTO nothing SELECT FROM generate_series(1, 3)",
                "CREATE TABLE derived (a integer GENERATED ALWAYS AS (1) STORED)",
                "INSERT INTO derived DEFAULT VALUES");
        try (Connection connection = Securing.begin(database)) {
            SecuredRows secured = securing.secure(connection, plain(Kind.TRUNCATE, "nothing", "derived"));
            assertThat(secured.manifests())
                    .extracting(SnapshotManifest::rowCount)
                    .containsExactlyInAnyOrder(3L, 1L);
            assertThat(secured.manifests())
                    .allMatch(manifest -> manifest.columns().isEmpty());
        }
    }

    @Test
    void a_table_without_rows_has_a_snapshot_without_chunks() throws Exception {
        database.run("CREATE TABLE t (a integer)");
        try (Connection connection = Securing.begin(database)) {
            SnapshotManifest manifest = only(securing.secure(connection, plain(Kind.TRUNCATE, "t")));
            assertThat(manifest.rowCount()).isZero();
            assertThat(manifest.chunks()).isEmpty();
            assertThat(manifest.rowChecksum()).isEqualTo("0".repeat(32));
        }
    }

    @Test
    void many_rows_go_into_several_chunks_of_whole_rows_and_no_more_than_16_mib() throws Exception {
        database.run(
                "CREATE TABLE t (a integer, b text)",
                // Hexadecimal digits compress to half at best.
                "INSERT INTO t SELECT i, (SELECT string_agg(md5(i::text || j), '') FROM generate_series(1, 32) j) "
                        + "FROM generate_series(1, 40000) i");
        SnapshotManifest manifest = assertComesBack("public", "t", 40000);
        assertThat(manifest.chunks()).hasSizeGreaterThan(2);
        assertThat(manifest.chunks()).allMatch(chunk -> chunk.bytes() <= 16 << 20);
        assertThat(manifest.chunks().subList(0, manifest.chunks().size() - 1))
                .allMatch(chunk -> chunk.bytes() >= TableCopier.CHUNK);
    }

    @Test
    void what_the_transaction_itself_wrote_is_saved_too() throws Exception {
        database.run("CREATE TABLE t (a integer)", "INSERT INTO t VALUES (1), (2)");
        try (Connection connection = Securing.begin(database)) {
            Securing.run(connection, "INSERT INTO t VALUES (3)", "DELETE FROM t WHERE a = 1");
            assertThat(securing.rows(database, only(securing.secure(connection, plain(Kind.TRUNCATE, "t")))))
                    .containsExactlyInAnyOrder("2", "3");
        }
    }

    @Test
    void temporary_and_unlogged_tables_are_saved_as_any() throws Exception {
        database.run("CREATE UNLOGGED TABLE u (a integer)", "INSERT INTO u VALUES (1)");
        try (Connection connection = Securing.begin(database)) {
            Securing.run(connection, "CREATE TEMPORARY TABLE u (b text)", "INSERT INTO u VALUES ('temporary')");
            SnapshotManifest temporary = only(securing.secure(connection, plain(Kind.DROP_TABLE, "u")));
            assertThat(securing.rows(database, temporary)).containsExactly("temporary");
            SnapshotManifest unlogged = only(securing.secure(connection, plain(Kind.DROP_TABLE, "public.u")));
            assertThat(securing.rows(database, unlogged)).containsExactly("1");
        }
    }

    private SnapshotManifest assertComesBack(String schema, String table, long rows) throws Exception {
        String name = RelationName.of(schema, table).quoted();
        SnapshotManifest manifest;
        try (Connection connection = Securing.begin(database)) {
            // Settings under which the text would be another, or less than the value.
            Securing.run(
                    connection,
                    "SET datestyle = 'ISO, DMY'",
                    "SET intervalstyle = 'iso_8601'",
                    "SET timezone = 'Asia/Kathmandu'",
                    "SET bytea_output = 'escape'",
                    "SET extra_float_digits = -10",
                    "SET search_path = public");
            manifest = only(securing.secure(connection, plain(Kind.DROP_TABLE, schema + "." + table)));
        }
        assertThat(manifest.rowCount()).isEqualTo(rows);
        assertThat(securing.rows(database, manifest)).hasSize((int) rows);
        assertThat(manifest.rowChecksum()).isEqualTo(securing.checksum(manifest));
        loadInto("restored", name, manifest);
        String columns = manifest.columns().stream()
                .map(column -> RelationName.quote(column.name()))
                .collect(Collectors.joining(", "));
        // Binary images, so that -0 is not 0 and 1.0 is not 1.00.
        String images = "SELECT record_send(whole_row) FROM (SELECT " + columns + " FROM %s) whole_row";
        assertThat(database.value("SELECT count(*) FROM ((" + images.formatted(name) + " EXCEPT ALL "
                        + images.formatted("restored") + ") UNION ALL (" + images.formatted("restored")
                        + " EXCEPT ALL " + images.formatted(name) + ")) d"))
                .isEqualTo("0");
        return manifest;
    }

    private void loadInto(String copy, String original, SnapshotManifest manifest) throws Exception {
        database.run("CREATE TABLE " + copy + " (LIKE " + original + " INCLUDING GENERATED)");
        String columns = manifest.columns().stream()
                .map(column -> RelationName.quote(column.name()))
                .collect(Collectors.joining(", "));
        try (Connection connection = database.connect()) {
            Securing.run(connection, "SET lc_monetary = 'C'");
            for (SnapshotManifest.Chunk chunk : manifest.chunks()) {
                try (InputStream rows = securing.archive.rows(manifest, chunk)) {
                    connection
                            .unwrap(PGConnection.class)
                            .getCopyAPI()
                            .copyIn(
                                    "COPY " + copy + " (" + columns + ") FROM STDIN "
                                            + CopyFormat.of(manifest).options(manifest.encoding()),
                                    rows);
                }
            }
        }
    }
}
