package io.backstop.bench;

import io.backstop.jdbc.Backstop;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a covered write costs: the same writes over a plain connection, a guarded one, and a guarded one that keeps their rows,
 * in turns. Arguments: the database's JDBC URL, an empty folder, and how many writes of each kind.
 */
final class CoveredWrites {
    private static final int TABLES = 200;

    private CoveredWrites() {}

    /** Writes by key, of some rows of a table. */
    private record Shape(String name, String write) {}

    private static final List<Shape> SHAPES = List.of(
            new Shape("UPDATE of one narrow row", "UPDATE narrow SET v = v + 1 WHERE id = ?"),
            new Shape("UPDATE of one row of 40 texts", "UPDATE wide SET c1 = c1 || 'x' WHERE id = ?"),
            new Shape("UPDATE of 100 narrow rows", "UPDATE narrow SET v = v + 1 WHERE id / 100 = ? / 100"),
            new Shape("DELETE of one narrow row", "DELETE FROM narrow WHERE id = ?"),
            new Shape("INSERT of one narrow row", "INSERT INTO narrow VALUES (2000000 + ?, 0)"),
            new Shape(
                    "upsert of one narrow row",
                    "INSERT INTO narrow (id, v) VALUES (?, 0) ON CONFLICT (id) DO UPDATE SET v = narrow.v + 1"));

    public static void main(String[] arguments) throws Exception {
        String url = arguments[0];
        Path folder = Path.of(arguments[1]);
        int writes = Integer.parseInt(arguments[2]);
        prepare(url);
        Map<String, Backstop> guards = new LinkedHashMap<>();
        for (String cover : List.of("none", "all")) {
            Path policy = Files.writeString(
                    folder.resolve(cover + ".json"),
                    "{\"cover_writes\": \"" + cover + "\", \"write_budget\": \"none\"}");
            guards.put(
                    cover,
                    Backstop.builder()
                            .policy(policy.toString())
                            .storage(folder.resolve("snapshots").toUri().toString())
                            .control(folder.resolve(cover + ".db"))
                            .build());
        }
        Map<String, Connection> contenders = new LinkedHashMap<>();
        contenders.put("bare", DriverManager.getConnection(url));
        for (Map.Entry<String, Backstop> guard : guards.entrySet()) {
            contenders.put(guard.getKey(), guard.getValue().guard(DriverManager.getConnection(url)));
        }
        int key = 1;
        for (Shape shape : SHAPES) {
            Map<String, List<Long>> times = new LinkedHashMap<>();
            for (int i = 0; i < writes; i++) {
                for (Map.Entry<String, Connection> contender : contenders.entrySet()) {
                    long took = timed(contender.getValue(), shape.write(), key);
                    key += 101;
                    if (i >= writes / 5) {
                        times.computeIfAbsent(contender.getKey(), name -> new ArrayList<>())
                                .add(took);
                    }
                }
            }
            times.forEach((name, all) -> System.out.printf(
                    Locale.ROOT,
                    "%-32s %-20s median %7.2f ms, 95 %% %7.2f ms%n",
                    shape.name(),
                    name,
                    at(all, 0.5),
                    at(all, 0.95)));
        }
        for (Connection connection : contenders.values()) {
            connection.close();
        }
        guards.values().forEach(Backstop::close);
    }

    private static long timed(Connection connection, String sql, int key) throws SQLException {
        long began = System.nanoTime();
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setInt(1, key);
            statement.executeUpdate();
        }
        return System.nanoTime() - began;
    }

    private static double at(List<Long> times, double share) {
        Collections.sort(times);
        return times.get((int) ((times.size() - 1) * share)) / 1e6;
    }

    /** With other tables beside them, as a database has. */
    private static void prepare(String url) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            StringBuilder columns = new StringBuilder();
            StringBuilder values = new StringBuilder();
            for (int i = 1; i <= 40; i++) {
                columns.append(", c").append(i).append(" text");
                values.append(", repeat('x', 20)");
            }
            statement.execute("DROP TABLE IF EXISTS narrow, wide");
            statement.execute("CREATE TABLE narrow (id int PRIMARY KEY, v int)");
            statement.execute("INSERT INTO narrow SELECT i, 0 FROM generate_series(1, 1000000) i");
            statement.execute("CREATE TABLE wide (id int PRIMARY KEY" + columns + ")");
            statement.execute("INSERT INTO wide SELECT i" + values + " FROM generate_series(1, 200000) i");
            for (int i = 0; i < TABLES; i++) {
                statement.execute("CREATE TABLE IF NOT EXISTS beside_" + i + " (id int PRIMARY KEY, v text)");
            }
            statement.execute("VACUUM ANALYZE");
        }
    }
}
