package io.backstop.cli.demo;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

/** A real PostgreSQL for the demo, unpacked from its Maven artifact and listening on the loopback address. */
final class DemoServer implements AutoCloseable {
    private static final String DATABASE = "shop";

    private final EmbeddedPostgres postgres;
    private final boolean keep;

    private DemoServer(EmbeddedPostgres postgres, boolean keep) {
        this.postgres = postgres;
        this.keep = keep;
    }

    /** @param keep whether it goes on running after this process */
    static DemoServer start(Path dataDirectory, boolean keep) throws IOException, SQLException {
        EmbeddedPostgres postgres = EmbeddedPostgres.builder()
                .setDataDirectory(dataDirectory)
                .setCleanDataDirectory(!keep)
                .setRegisterShutdownHook(!keep)
                .setServerConfig("listen_addresses", "127.0.0.1")
                .start();
        DemoServer server = new DemoServer(postgres, keep);
        try (Connection connection = DriverManager.getConnection(server.url("postgres"));
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE DATABASE " + DATABASE + " TEMPLATE template0 ENCODING 'UTF8'");
        }
        return server;
    }

    private String url(String database) {
        return "jdbc:postgresql://127.0.0.1:" + postgres.getPort() + "/" + database + "?user=postgres";
    }

    /** The shop's URL for pgjdbc. */
    String url() {
        return url(DATABASE);
    }

    /** The shop's URL as psql takes it. */
    String psqlUrl() {
        return "postgresql://postgres@127.0.0.1:" + postgres.getPort() + "/" + DATABASE;
    }

    Connection connect() throws SQLException {
        return DriverManager.getConnection(url());
    }

    @Override
    public void close() throws IOException {
        if (!keep) {
            postgres.close();
        }
    }
}
