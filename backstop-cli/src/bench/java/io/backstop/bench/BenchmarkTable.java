package io.backstop.bench;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

/** Twelve columns of mixed types, as an application's table has them; a primary key and two indexes. */
final class BenchmarkTable {
    private BenchmarkTable() {}

    static void make(String url, long rows) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            try (var row = statement.executeQuery(
                    "SELECT to_regclass('bench') IS NOT NULL AND (SELECT reltuples FROM pg_class WHERE relname = 'bench') = "
                            + rows)) {
                row.next();
                if (row.getBoolean(1)) {
                    return;
                }
            }
            statement.execute("DROP TABLE IF EXISTS bench");
            statement.execute("CREATE TABLE bench (id bigint, customer integer NOT NULL, reference uuid NOT NULL, "
                    + "amount numeric(12,2), created_at timestamptz NOT NULL, due date, paid boolean NOT NULL, "
                    + "score double precision, status varchar(16), email text, note text, attributes jsonb)");
            statement.execute("SELECT setseed(0.5)");
            statement.execute("INSERT INTO bench SELECT i, (random() * 500000)::int, gen_random_uuid(), "
                    + "(random() * 100000)::numeric(12,2), timestamptz '2024-01-01' + i * interval '7 seconds', "
                    + "date '2024-01-01' + (i % 900)::int, i % 3 = 0, random() * 1000, "
                    + "(ARRAY['open', 'paid', 'shipped', 'cancelled', 'returned'])[1 + i % 5], "
                    + "'customer' || (i % 500000) || '@example.org', "
                    + "CASE WHEN i % 4 = 0 THEN NULL ELSE (SELECT string_agg(word, ' ') FROM (SELECT (ARRAY['delivery', "
                    + "'left', 'with', 'the', 'neighbour', 'please', 'call', 'before', 'invoice', 'by', 'mail', 'express', "
                    + "'fragile', 'second', 'floor', 'gift'])[1 + (random() * 15)::int] AS word FROM generate_series(1, "
                    + "(5 + i % 12)::int)) words) END, "
                    + "jsonb_build_object('sku', md5(i::text), 'quantity', i % 7, 'tags', jsonb_build_array('a' || i % 10, "
                    + "'b' || i % 100)) FROM generate_series(1, " + rows + ") i");
            statement.execute("ALTER TABLE bench ADD PRIMARY KEY (id)");
            statement.execute("CREATE INDEX bench_customer ON bench (customer)");
            statement.execute("CREATE INDEX bench_email ON bench (email)");
            statement.execute("VACUUM ANALYZE bench");
        }
    }
}
