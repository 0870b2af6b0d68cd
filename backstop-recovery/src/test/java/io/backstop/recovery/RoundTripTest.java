package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.model.ConflictMode;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Tuple;
import net.jqwik.api.sessions.JqwikSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;

/** Restore ∘ snapshot is identity, over generated tables and rows. */
@ExtendWith(PostgresExtension.class)
class RoundTripTest {
    private static final int TABLES = 60;
    private static final long SEED = 20261122;

    @Test
    void what_is_restored_and_copied_back_is_what_was_there(TestDatabase database, @TempDir Path folder)
            throws Exception {
        List<Table> tables = generated();
        assertThat(tables.stream()
                        .flatMap(t -> t.columns().stream())
                        .map(Column::type)
                        .distinct())
                .hasSameSizeAs(TYPES);
        try (ObjectStore store = ObjectStores.open(folder.toUri().toString());
                Connection connection = database.connect()) {
            Captures captures = new Captures(database, store);
            for (Table table : tables) {
                roundTrip(database, connection, captures, table);
            }
        }
    }

    private static void roundTrip(TestDatabase database, Connection connection, Captures captures, Table table)
            throws Exception {
        String name = RelationName.of("public", table.name()).quoted();
        database.run(table.create());
        insert(connection, table);
        List<String> rows = database.rows("SELECT t::text FROM " + name + " t ORDER BY 1");
        List<String> parts = parts(database, name);

        SnapshotManifest manifest = captures.take(table.name());
        database.run("DROP TABLE " + name);
        RestoredTable restored = new Restore(captures.archive())
                .restore(connection, manifest, Restore.defaultTarget(manifest), RestoreProgress.SILENT);

        assertThat(database.rows("SELECT t::text FROM " + restored.target().quoted() + " t ORDER BY 1"))
                .as(table.create())
                .isEqualTo(rows);
        database.run(new CopybackPlanner(ConflictMode.AS_FOUND)
                .plan(connection, List.of(restored))
                .sql());
        assertThat(database.rows("SELECT t::text FROM " + name + " t ORDER BY 1"))
                .as(table.create())
                .isEqualTo(rows);
        assertThat(parts(database, name)).as(table.create()).isEqualTo(parts);

        database.run("TRUNCATE " + name);
        RestoredTable again = new Restore(captures.archive())
                .restore(connection, manifest, RelationName.of("again"), RestoreProgress.SILENT);
        database.run(new CopybackPlanner(ConflictMode.AS_FOUND)
                .plan(connection, List.of(again))
                .sql());
        assertThat(database.rows("SELECT t::text FROM " + name + " t ORDER BY 1"))
                .as(table.create())
                .isEqualTo(rows);
        database.run("DROP TABLE " + name, "DROP TABLE again");
    }

    private static List<String> parts(TestDatabase database, String name) throws Exception {
        String oid = "'" + name.replace("'", "''") + "'::regclass";
        List<String> parts =
                new ArrayList<>(database.rows("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
                        + "WHERE conrelid = " + oid + " ORDER BY 1"));
        parts.addAll(database.rows(
                "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = " + oid + " ORDER BY 1"));
        parts.addAll(database.rows("SELECT attname, format_type(atttypid, atttypmod), attnotnull, attidentity, "
                + "attgenerated, pg_get_expr(adbin, adrelid) FROM pg_attribute LEFT JOIN pg_attrdef "
                + "ON adrelid = attrelid AND adnum = attnum WHERE attrelid = " + oid
                + " AND attnum > 0 ORDER BY attnum"));
        return parts;
    }

    private static void insert(Connection connection, Table table) throws Exception {
        String values = table.columns().stream().map(c -> "?::" + c.type()).collect(Collectors.joining(", "));
        String columns =
                table.columns().stream().map(c -> RelationName.quote(c.name())).collect(Collectors.joining(", "));
        try (PreparedStatement statement = connection.prepareStatement("INSERT INTO "
                + RelationName.of("public", table.name()).quoted() + " (" + columns + ") VALUES (" + values + ")")) {
            for (int row = 0; row < table.rows(); row++) {
                for (int i = 0; i < table.columns().size(); i++) {
                    statement.setString(i + 1, table.columns().get(i).values().get(row));
                }
                statement.execute();
            }
        }
    }

    private static List<Table> generated() {
        List<Table> tables = new ArrayList<>();
        JqwikSession.run(() -> {
            var generator = table().generator(TABLES, true);
            Random random = new Random(SEED);
            for (int i = 0; i < TABLES; i++) {
                tables.add(generator.next(random).value());
            }
        });
        return tables;
    }

    /** Types with values in every form that their input accepts. */
    private static final List<Typed> TYPES = List.of(
            new Typed("text", text(40)),
            new Typed("varchar(20)", text(20)),
            new Typed("character(5)", text(5)),
            new Typed("smallint", Arbitraries.shorts().map(String::valueOf)),
            new Typed("integer", Arbitraries.integers().map(String::valueOf)),
            new Typed("bigint", Arbitraries.longs().map(String::valueOf)),
            new Typed(
                    "numeric",
                    Arbitraries.of("0", "-0.000", "1e-50", "123456789012345678901234567890.5", "NaN", "Infinity")),
            new Typed("numeric(20,5)", Arbitraries.longs().map(l -> (l % 1_000_000_000_000L) + ".12345")),
            new Typed(
                    "double precision",
                    Arbitraries.frequencyOf(
                            Tuple.of(3, Arbitraries.doubles().map(String::valueOf)),
                            Tuple.of(1, Arbitraries.of("NaN", "Infinity", "-Infinity", "-0", "5e-324", "0.1")))),
            new Typed("real", Arbitraries.of("0.1", "-0", "1e-45", "3.4028235e38", "NaN", "16777217")),
            new Typed("boolean", Arbitraries.of("true", "false")),
            new Typed("bytea", Arbitraries.bytes().list().ofMaxSize(20).map(RoundTripTest::hex)),
            new Typed(
                    "uuid",
                    Combinators.combine(Arbitraries.longs(), Arbitraries.longs())
                            .as((a, b) -> new UUID(a, b).toString())),
            new Typed("date", Arbitraries.of("infinity", "-infinity", "0044-03-15 BC", "2026-02-28", "99999-12-31")),
            new Typed("time with time zone", Arbitraries.of("24:00:00+05:30", "00:00:00.000001-15:59", "12:34:56Z")),
            new Typed(
                    "timestamp with time zone",
                    Arbitraries.of(
                            "infinity",
                            "2026-03-29 02:30:00 Europe/Berlin",
                            "0001-01-01 00:00:00Z BC",
                            "1999-12-31 23:59:59.999999Z")),
            new Typed(
                    "timestamp(0) without time zone",
                    Arbitraries.of("2026-01-01 00:00:00.5", "-infinity", "4713-01-01 BC")),
            new Typed("interval", Arbitraries.of("1 year -2 days +03:04:05.000006", "-1 mon", "0", "178000000 years")),
            new Typed("json", Arbitraries.of("{\"a\":  1, \"a\": 2}", " [1 , \"\\u00e9\\\\\"] ", "null")),
            new Typed("jsonb", Arbitraries.of("{\"a\":  1, \"b\": [\"\\n\"]}", "1.50", "null", "\"\\\\\"")),
            new Typed("xml", Arbitraries.of("<a>ä &amp; b</a>", "two <b/> parts", "")),
            new Typed(
                    "text[]",
                    Arbitraries.of("{}", "{NULL,\"NULL\",\"\"}", "[2:3]={\"a\\\\b\",\"c,d\"}", "{{a,b},{c,d}}")),
            new Typed("int4range", Arbitraries.of("empty", "[1,5)", "(,)", "[,7]")),
            new Typed("int4multirange", Arbitraries.of("{}", "{[1,3),[5,8)}")),
            new Typed("inet", Arbitraries.of("::1", "10.0.0.1/8", "2001:db8::/32")),
            new Typed("money", Arbitraries.of("-92233720368547758.08", "0", "12.34")),
            new Typed("point", Arbitraries.of("(0.1,-0)", "(NaN,Infinity)")),
            new Typed("bit varying(9)", Arbitraries.of("", "010101", "111111111")),
            new Typed("tsvector", Arbitraries.of("'a b':1A 'c''d':2,3", "")),
            new Typed("pg_lsn", Arbitraries.of("0/0", "FFFFFFFF/FFFFFFFF")));

    private static Arbitrary<Table> table() {
        Arbitrary<Integer> rows = Arbitraries.integers().between(0, 12);
        return rows.flatMap(count -> Combinators.combine(
                        identifier(),
                        column(count).list().ofMinSize(1).ofMaxSize(8),
                        Arbitraries.integers().between(0, 63))
                .as((name, columns, shape) -> Table.of(name, columns, count, shape)));
    }

    private static Arbitrary<Column> column(int rows) {
        return Arbitraries.of(TYPES)
                .flatMap(typed -> typed.values()
                        .injectNull(0.2)
                        .list()
                        .ofSize(rows)
                        .map(values -> new Column("", typed.type(), values)));
    }

    private static Arbitrary<String> identifier() {
        return Arbitraries.strings()
                .withChars("aZ_ 0.\"'\\$%;-ä\t")
                .ofMinLength(1)
                .ofMaxLength(14);
    }

    /** Everything but NUL, which text cannot hold, with what COPY escapes more often than chance would. */
    private static Arbitrary<String> text(int length) {
        return Arbitraries.frequencyOf(
                Tuple.of(
                        2,
                        Arbitraries.strings()
                                .withChars("\\tnN.\t\n\r\b\f\u000b'\",\u0001\u007f")
                                .ofMaxLength(length)),
                Tuple.of(1, Arbitraries.of("\\N", "\\.", "", "\\\\N", "NULL").filter(s -> s.length() <= length)),
                Tuple.of(
                        1,
                        Arbitraries.integers()
                                .between(1, 0x10ffff)
                                .filter(c -> c < 0xd800 || c > 0xdfff)
                                .list()
                                .ofMaxSize(length / 2)
                                .map(list ->
                                        list.stream().map(Character::toString).collect(Collectors.joining()))));
    }

    private static String hex(List<Byte> bytes) {
        return bytes.stream().map(b -> "%02x".formatted(b)).collect(Collectors.joining("", "\\x", ""));
    }

    private record Typed(String type, Arbitrary<String> values) {}

    private record Column(String name, String type, List<String> values) {}

    /** A table whose shape's bits say what it has besides columns. */
    private record Table(String name, List<Column> columns, int rows, int shape) {
        static Table of(String name, List<Column> columns, int rows, int shape) {
            List<Column> named = IntStream.range(0, columns.size())
                    .mapToObj(i -> new Column(
                            "c" + i + " " + name,
                            columns.get(i).type(),
                            columns.get(i).values()))
                    .toList();
            return new Table(name, named, rows, shape);
        }

        String create() {
            List<String> parts = new ArrayList<>();
            columns.forEach(c -> parts.add(RelationName.quote(c.name()) + " " + c.type()));
            if (has(0)) {
                parts.add("\"the key\" serial PRIMARY KEY");
            }
            if (has(1)) {
                parts.add("\"Identity\" bigint GENERATED ALWAYS AS IDENTITY (INCREMENT -2) UNIQUE");
            }
            if (has(2)) {
                parts.add("made text COLLATE \"C\" GENERATED ALWAYS AS (md5(" + text() + ")) STORED");
            }
            if (has(3)) {
                parts.add("CONSTRAINT " + RelationName.quote(name) + " CHECK (length(" + text() + ") >= 0) NOT VALID");
            }
            if (has(4)) {
                parts.add("extra text DEFAULT 'a\\b''c' NOT NULL");
            }
            return "CREATE " + (has(5) ? "UNLOGGED " : "") + "TABLE "
                    + RelationName.of("public", name).quoted() + " (" + String.join(", ", parts) + ")";
        }

        /** Something immutable of the first column. */
        private String text() {
            return "coalesce(" + RelationName.quote(columns.get(0).name()) + " IS NULL, false)::text";
        }

        private boolean has(int bit) {
            return (shape >> bit & 1) == 1;
        }
    }
}
