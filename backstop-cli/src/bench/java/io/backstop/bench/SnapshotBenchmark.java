package io.backstop.bench;

import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.S3Server;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Captures and restores tables of several shapes with Backstop and with PostgreSQL's own tools, alternating, each in a
 * process of its own whose start is counted, and prints the median of each.
 *
 * <p>Arguments: the database as a libpq URL without a password ({@code postgresql://user@127.0.0.1:port/db}), the folder
 * with {@code pg_dump} and {@code pg_restore}, a folder for the copies, the number of rows of the mixed shape (the others
 * have as many as take about as much room), the number of rounds, {@code -Xmx} of Backstop's processes, and the shapes,
 * separated by commas; then the names of contenders to leave out. The S3 server runs in this process.
 */
public final class SnapshotBenchmark {
    private static final int WARMING = 400;

    private SnapshotBenchmark() {}

    public static void main(String[] args) throws Exception {
        String database = args[0];
        Path tools = Path.of(args[1]);
        Path folder = Path.of(args[2]);
        long rows = Long.parseLong(args[3]);
        int rounds = Integer.parseInt(args[4]);
        List<TableShape> shapes = Stream.of(args[6].split(","))
                .map(shape -> TableShape.valueOf(shape.toUpperCase(Locale.ROOT)))
                .toList();
        List<String> without = Arrays.asList(args).subList(7, args.length);
        try (S3Server s3 = S3Server.start()) {
            warm(s3);
            for (TableShape shape : shapes) {
                try (Connection connection = DriverManager.getConnection(jdbc(database))) {
                    shape.make(connection, rows);
                    describe(connection, shape);
                }
                Map<String, Contender> contenders = new LinkedHashMap<>(Contenders.of(
                        database, tools, folder, args[5], shape == TableShape.PARTITIONED, s3));
                contenders.keySet().removeAll(without);
                run(contenders, rounds);
            }
        }
    }

    private static void run(Map<String, Contender> contenders, int rounds) throws Exception {
        Map<String, List<Contender.Result>> results = new LinkedHashMap<>();
        for (int round = 0; round < rounds; round++) {
            for (Map.Entry<String, Contender> contender : contenders.entrySet()) {
                Contender.Result result = contender.getValue().run();
                results.computeIfAbsent(contender.getKey(), name -> new ArrayList<>())
                        .add(result);
                System.out.printf(
                        Locale.ROOT,
                        "%d  %-44s %6.2f s  %d MB  %s%n",
                        round + 1,
                        contender.getKey(),
                        result.seconds(),
                        result.bytes() / 1_000_000,
                        result.remark());
            }
        }
        results.forEach((name, each) -> System.out.printf(
                Locale.ROOT,
                "| %s | %.2f | %.2f to %.2f | %d |%n",
                name,
                Contender.Result.median(each),
                Contender.Result.smallest(each),
                Contender.Result.largest(each),
                each.get(0).bytes() / 1_000_000));
    }

    /** One that serves for longer than a benchmark does not run code that is not compiled yet. */
    private static void warm(S3Server s3) throws IOException {
        System.setProperty("aws.accessKeyId", S3Server.ACCESS_KEY);
        System.setProperty("aws.secretAccessKey", S3Server.SECRET_KEY);
        ByteBuffer content = ByteBuffer.allocate(8 << 20);
        try (ObjectStore store = ObjectStores.open(s3.storage(s3.newBucket()))) {
            for (int i = 0; i < WARMING; i++) {
                String name = "warming/" + i;
                store.putNew(name, content);
                try (InputStream stored = store.open(name)) {
                    stored.transferTo(OutputStream.nullOutputStream());
                }
                store.delete(name);
            }
        }
    }

    static String jdbc(String database) {
        String rest = database.substring("postgresql://".length());
        int at = rest.indexOf('@');
        return "jdbc:postgresql://" + rest.substring(at + 1) + "?user=" + rest.substring(0, at);
    }

    private static void describe(Connection connection, TableShape shape) throws SQLException {
        try (Statement statement = connection.createStatement();
                var row = statement.executeQuery("SELECT current_setting('server_version'), (SELECT count(*) FROM "
                        + "bench.bench), sum(pg_table_size(oid)) / 1000000, sum(pg_indexes_size(oid)) / 1000000 "
                        + "FROM pg_class WHERE relnamespace = 'bench'::regnamespace AND relkind IN ('r', 'p')")) {
            row.next();
            System.out.printf(
                    "%n%s: PostgreSQL %s, %d rows, %d MB, indexes %d MB, %d processors, Java %s%n",
                    shape,
                    row.getString(1),
                    row.getLong(2),
                    row.getLong(3),
                    row.getLong(4),
                    Runtime.getRuntime().availableProcessors(),
                    System.getProperty("java.version"));
        }
    }
}
