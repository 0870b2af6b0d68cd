package io.backstop.jdbc;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Statements of an application on a loopback connection, bare and under two policies, against one server. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class DriverBenchmark {
    @Param({"bare", "application", "strict"})
    public String guard;

    private EmbeddedPostgres server;
    private Path folder;
    private Connection connection;
    private PreparedStatement insert;
    private PreparedStatement select;
    private PreparedStatement selectFunction;
    private PreparedStatement update;
    private int next;

    @Setup(Level.Trial)
    public void connect() throws Exception {
        folder = Files.createTempDirectory("driver-benchmark");
        server = EmbeddedPostgres.builder().start();
        String url = server.getJdbcUrl("postgres", "postgres");
        try (Connection plain = DriverManager.getConnection(url);
                Statement statement = plain.createStatement()) {
            statement.execute("CREATE TABLE users (id int PRIMARY KEY, name text)");
            statement.execute("INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 10000) AS n");
            statement.execute("CREATE FUNCTION doubled(n int) RETURNS int LANGUAGE sql STABLE AS 'SELECT 2 * n'");
            statement.execute("CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text)");
            statement.execute("ANALYZE users");
        }
        connection = guard.equals("bare")
                ? DriverManager.getConnection(url)
                : DriverManager.getConnection(url.replaceFirst("^jdbc:", "jdbc:backstop:") + "&backstop.policy=" + guard
                        + "&backstop.control=" + folder.resolve("backstop.db"));
        select = connection.prepareStatement("SELECT name FROM users WHERE id = ?");
        selectFunction = connection.prepareStatement("SELECT doubled(id) FROM users WHERE id = ?");
        insert = connection.prepareStatement("INSERT INTO notes (note) VALUES (?)");
        update = connection.prepareStatement("UPDATE users SET name = 'x' WHERE id = ?");
    }

    @TearDown(Level.Trial)
    public void close() throws Exception {
        connection.close();
        server.close();
    }

    private int key() {
        next = next % 10_000 + 1;
        return next;
    }

    private static String read(PreparedStatement statement, int key) throws Exception {
        statement.setInt(1, key);
        try (ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getString(1);
        }
    }

    @Benchmark
    public String select_by_key() throws Exception {
        return read(select, key());
    }

    @Benchmark
    public String select_of_a_users_function() throws Exception {
        return read(selectFunction, key());
    }

    @Benchmark
    public String ten_selects_in_a_transaction() throws Exception {
        connection.setAutoCommit(false);
        String last = "";
        for (int i = 0; i < 10; i++) {
            last = read(select, key());
        }
        connection.commit();
        connection.setAutoCommit(true);
        return last;
    }

    @Benchmark
    public int update_by_key() throws Exception {
        update.setInt(1, key());
        return update.executeUpdate();
    }

    @Benchmark
    public int insert() throws Exception {
        insert.setString(1, "a note");
        return insert.executeUpdate();
    }

    @Benchmark
    public int ten_inserts_in_a_transaction() throws Exception {
        connection.setAutoCommit(false);
        int rows = 0;
        for (int i = 0; i < 10; i++) {
            rows += insert();
        }
        connection.commit();
        connection.setAutoCommit(true);
        return rows;
    }
}
