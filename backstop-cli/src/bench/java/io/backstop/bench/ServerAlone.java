package io.backstop.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * What no restore can do without: the server reads rows from plain files in its binary format, and builds the indexes, two
 * at a time. No client sends, verifies or unpacks anything, and no key is checked. Needs a superuser, and a server that can
 * write the folder.
 */
final class ServerAlone {
    private static final int INDEX_BUILDERS = 2;

    private final String url;
    private final Path folder;
    private final int connections;

    /** @param connections over which rows are loaded */
    ServerAlone(String database, Path folder, int connections) {
        this.url = SnapshotBenchmark.jdbc(database);
        this.folder = folder.resolve("rows");
        this.connections = connections;
    }

    /** The files are written before the time begins. */
    Contender.Result run() throws Exception {
        Files.createDirectories(folder);
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
        Queue<String> loads = new ArrayDeque<>();
        Queue<String> indexes = new ArrayDeque<>();
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            for (String table : strings(
                    statement,
                    "SELECT relname FROM pg_class WHERE relnamespace = 'bench'::regnamespace AND relkind = 'r'")) {
                statement.execute("CREATE TABLE bench." + table + "_recovered (LIKE bench." + table + ")");
                loads.addAll(files(statement, table));
                indexes.addAll(strings(
                        statement,
                        "SELECT regexp_replace(indexdef, 'INDEX \\S+ ON (ONLY )?\\S+', 'INDEX ON bench." + table
                                + "_recovered') FROM pg_indexes WHERE schemaname = 'bench' AND tablename = '" + table
                                + "'"));
            }
            statement.execute("CHECKPOINT");
            long start = System.nanoTime();
            over(connections, loads);
            double loaded = (System.nanoTime() - start) / 1e9;
            over(INDEX_BUILDERS, indexes);
            double seconds = (System.nanoTime() - start) / 1e9;
            return new Contender.Result(seconds, 0, String.format("rows %.2f s", loaded));
        } finally {
            clean();
        }
    }

    /** Each of them may be loaded beside the others. */
    private List<String> files(Statement statement, String table) throws SQLException {
        long pages = Long.parseLong(
                strings(statement, "SELECT pg_relation_size('bench." + table + "') / 8192").get(0));
        List<String> loads = new ArrayList<>();
        for (int i = 0; i < connections; i++) {
            String file = folder.resolve(table + i).toString();
            statement.execute("COPY (SELECT * FROM bench." + table + " WHERE ctid >= '(" + pages * i / connections
                    + ",0)' AND ctid < '(" + (i + 1 == connections ? pages + 1 : pages * (i + 1) / connections)
                    + ",0)') TO '" + file + "' (FORMAT binary)");
            loads.add("COPY bench." + table + "_recovered FROM '" + file + "' (FORMAT binary)");
        }
        return loads;
    }

    private void over(int connections, Collection<String> statements) throws Exception {
        Queue<String> left = new ConcurrentLinkedQueue<>(statements);
        ExecutorService workers = Executors.newFixedThreadPool(connections);
        try {
            List<Callable<Void>> work = new ArrayList<>();
            for (int i = 0; i < connections; i++) {
                work.add(() -> {
                    try (Connection connection = DriverManager.getConnection(url);
                            Statement statement = connection.createStatement()) {
                        for (String sql = left.poll(); sql != null; sql = left.poll()) {
                            statement.execute(sql);
                        }
                    }
                    return null;
                });
            }
            for (Future<Void> done : workers.invokeAll(work)) {
                done.get();
            }
        } finally {
            workers.shutdownNow();
        }
    }

    private static List<String> strings(Statement statement, String sql) throws SQLException {
        List<String> values = new ArrayList<>();
        try (ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                values.add(rows.getString(1));
            }
        }
        return values;
    }

    /** The restored tables are dropped by those that drop Backstop's. */
    private void clean() throws IOException {
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
    }
}
