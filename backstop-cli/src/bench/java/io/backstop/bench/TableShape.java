package io.backstop.bench;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What tables look like, so that no one shape is what all is tuned to. Each is {@code bench.bench}, alone in its schema. */
enum TableShape {
    /** Twelve columns of mixed types, as an application's table has them; a primary key and two indexes. */
    MIXED(1, 1) {
        @Override
        List<String> statements(long rows) {
            return List.of(
                    "CREATE TABLE bench.bench (id bigint, customer integer NOT NULL, reference uuid NOT NULL, "
                            + "amount numeric(12,2), created_at timestamptz NOT NULL, due date, paid boolean NOT NULL, "
                            + "score double precision, status varchar(16), email text, note text, attributes jsonb)",
                    "INSERT INTO bench.bench SELECT i, (random() * 500000)::int, gen_random_uuid(), "
                            + "(random() * 100000)::numeric(12,2), timestamptz '2024-01-01' + i * interval '7 seconds', "
                            + "date '2024-01-01' + (i % 900)::int, i % 3 = 0, random() * 1000, "
                            + "(ARRAY['open', 'paid', 'shipped', 'cancelled', 'returned'])[1 + i % 5], "
                            + "'customer' || (i % 500000) || '@example.org', "
                            + "CASE WHEN i % 4 = 0 THEN NULL ELSE " + words("5 + i % 12") + " END, "
                            + "jsonb_build_object('sku', md5(i::text), 'quantity', i % 7, 'tags', "
                            + "jsonb_build_array('a' || i % 10, 'b' || i % 100)) FROM generate_series(1, " + rows + ") i",
                    "ALTER TABLE bench.bench ADD PRIMARY KEY (id)",
                    "CREATE INDEX bench_customer ON bench.bench (customer)",
                    "CREATE INDEX bench_email ON bench.bench (email)");
        }
    },

    /** Two numbers and a moment, as of a log of measured values. */
    NARROW(4, 1) {
        @Override
        List<String> statements(long rows) {
            return List.of(
                    "CREATE TABLE bench.bench (id bigint, value integer, at timestamptz)",
                    "INSERT INTO bench.bench SELECT i, (random() * 1000000)::int, timestamptz '2024-01-01' + i * interval "
                            + "'1 second' FROM generate_series(1, " + rows + ") i",
                    "ALTER TABLE bench.bench ADD PRIMARY KEY (id)");
        }
    },

    /** A hundred columns, every fifth of each type, a tenth of them NULL. */
    WIDE(1, 10) {
        @Override
        List<String> statements(long rows) {
            StringBuilder columns = new StringBuilder("id bigint PRIMARY KEY");
            StringBuilder values = new StringBuilder("i");
            List<String> types = List.of("integer", "numeric(14,4)", "text", "timestamptz", "double precision");
            List<String> filled = List.of(
                    "(random() * 1000000)::int",
                    "(random() * 1000000)::numeric(14,4)",
                    "md5(random()::text)",
                    "timestamptz '2024-01-01' + random() * interval '500 days'",
                    "random()");
            for (int i = 0; i < 99; i++) {
                columns.append(", c").append(i).append(' ').append(types.get(i % types.size()));
                values.append(", CASE WHEN (i + ").append(i).append(") % 10 > 0 THEN ").append(filled.get(i % filled.size()))
                        .append(" END");
            }
            return List.of(
                    "CREATE TABLE bench.bench (" + columns + ")",
                    "INSERT INTO bench.bench SELECT " + values + " FROM generate_series(1, " + rows + ") i");
        }
    },

    /** Seven indexes beside the primary key, on text, uuid, numbers, several columns, an expression, jsonb and a part. */
    INDEXED(1, 3) {
        @Override
        List<String> statements(long rows) {
            return List.of(
                    "CREATE TABLE bench.bench (id bigint, name text, reference uuid, amount numeric(12,2), at timestamptz, "
                            + "kind integer, attributes jsonb)",
                    "INSERT INTO bench.bench SELECT i, md5(i::text) || ' ' || i, gen_random_uuid(), "
                            + "(random() * 100000)::numeric(12,2), timestamptz '2024-01-01' + random() * interval "
                            + "'500 days', i % 50, jsonb_build_object('sku', md5(i::text), 'quantity', i % 7) "
                            + "FROM generate_series(1, " + rows + ") i",
                    "ALTER TABLE bench.bench ADD PRIMARY KEY (id)",
                    "CREATE INDEX ON bench.bench (name)",
                    "CREATE UNIQUE INDEX ON bench.bench (reference)",
                    "CREATE INDEX ON bench.bench (amount)",
                    "CREATE INDEX ON bench.bench (kind, at)",
                    "CREATE INDEX ON bench.bench (lower(name))",
                    "CREATE INDEX ON bench.bench USING gin (attributes jsonb_path_ops)",
                    "CREATE INDEX ON bench.bench (at) WHERE kind = 7");
        }
    },

    /** Documents of 2 MB: text that compresses, and bytes that do not. */
    LARGE(1, 7500) {
        @Override
        List<String> statements(long rows) {
            return List.of(
                    "CREATE TABLE bench.bench (id bigint PRIMARY KEY, text text, bytes bytea)",
                    "INSERT INTO bench.bench SELECT i, (SELECT string_agg(md5(i::text || j) || ' the same words again', ' ')"
                            + " FROM generate_series(1, 18000) j), (SELECT string_agg(sha512((i || ' ' || j)::bytea), '') "
                            + "FROM generate_series(1, 15600) j) FROM generate_series(1, " + rows + ") i");
        }
    },

    /** Twelve partitions by month, with a primary key and an index. */
    PARTITIONED(1, 1) {
        @Override
        List<String> statements(long rows) {
            List<String> months = IntStream.range(0, 12)
                    .mapToObj(i -> String.format(
                            Locale.ROOT,
                            "CREATE TABLE bench.bench_%1$02d PARTITION OF bench.bench FOR VALUES FROM (%1$d) TO (%2$d)",
                            i,
                            i + 1))
                    .toList();
            return Stream.of(
                            List.of("CREATE TABLE bench.bench (month integer, id bigint, customer integer, note text, "
                                    + "amount numeric(12,2), PRIMARY KEY (month, id)) PARTITION BY RANGE (month)"),
                            months,
                            List.of(
                                    "INSERT INTO bench.bench SELECT i % 12, i, (random() * 500000)::int, " + words("4 + i % 9")
                                            + ", (random() * 100000)::numeric(12,2) FROM generate_series(1, " + rows
                                            + ") i",
                                    "CREATE INDEX ON bench.bench (customer)"))
                    .flatMap(List::stream)
                    .toList();
        }
    };

    private final long times;
    private final long parts;

    /** A shape whose tables have so many times, and so many parts, of the rows asked for; all take about as much room. */
    TableShape(long times, long parts) {
        this.times = times;
        this.parts = parts;
    }

    abstract List<String> statements(long rows);

    void make(Connection connection, long rows) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("DROP SCHEMA IF EXISTS bench CASCADE");
            statement.execute("CREATE SCHEMA bench");
            statement.execute("SELECT setseed(0.5)");
            for (String sql : statements(Math.max(1, rows * times / parts))) {
                statement.execute(sql);
            }
            statement.execute("VACUUM ANALYZE bench.bench");
            statement.execute("CHECKPOINT");
        }
    }

    private static String words(String count) {
        return "(SELECT string_agg(word, ' ') FROM (SELECT (ARRAY['delivery', 'left', 'with', 'the', 'neighbour', 'please', "
                + "'call', 'before', 'invoice', 'by', 'mail', 'express', 'fragile', 'second', 'floor', 'gift'])"
                + "[1 + (random() * 15)::int] AS word FROM generate_series(1, (" + count + ")::int)) words)";
    }
}
