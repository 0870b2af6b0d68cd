package io.backstop.jdbc;

import io.backstop.api.control.Quarantine;
import io.backstop.api.error.AgentQuarantinedException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.List;
import java.util.Properties;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Agents without an id are put in quarantine by process and database role, and put no others there. */
@ExtendWith(PostgresExtension.class)
class QuarantineTest {
    @TempDir
    private Path folder;

    private TestDatabase database;
    private SqlControlStore store;
    private Backstop backstop;

    @BeforeEach
    void open(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP TABLE IF EXISTS users",
                "CREATE TABLE users (id int)",
                "DROP ROLE IF EXISTS quarantine_other",
                "CREATE ROLE quarantine_other LOGIN SUPERUSER PASSWORD 'other'");
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
        backstop = Backstop.builder().control(store).build();
    }

    @AfterEach
    void close() throws SQLException {
        backstop.close();
        database.run("DROP ROLE quarantine_other");
    }

    private Connection connection() throws SQLException {
        return backstop.guard(database.connect());
    }

    private Connection connectionOfOther() throws SQLException {
        Properties other = new Properties();
        other.setProperty("user", "quarantine_other");
        other.setProperty("password", "other");
        return backstop.guard(DriverManager.getConnection(database.url().replaceFirst("\\?.*", ""), other));
    }

    private static void write(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.executeUpdate("INSERT INTO users VALUES (1)");
        }
    }

    private static void keepTrying(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(() -> statement.execute("DROP DATABASE shop"))
                        .isInstanceOf(StatementBlockedException.class);
            }
        }
    }

    @Test
    void an_agent_without_an_id_is_in_quarantine_until_it_is_lifted() throws SQLException {
        try (Connection connection = connection()) {
            keepTrying(connection);
            assertThatThrownBy(() -> write(connection)).isInstanceOf(AgentQuarantinedException.class);
            List<Quarantine> listed = store.quarantine().list();
            assertThat(listed).singleElement().satisfies(quarantine -> {
                assertThat(quarantine.agentId())
                        .startsWith(
                                "unknown/postgres@" + ProcessHandle.current().pid() + ".");
                assertThat(quarantine.statements()).hasSize(3);
            });
            assertThat(store.quarantine().lift(listed.get(0).agentId(), "ops")).isTrue();
            assertThatCode(() -> write(connection)).doesNotThrowAnyException();
        }
    }

    @Test
    void another_role_of_the_same_process_is_not() throws SQLException {
        try (Connection connection = connection();
                Connection other = connectionOfOther()) {
            keepTrying(connection);
            assertThatThrownBy(() -> write(connection)).isInstanceOf(AgentQuarantinedException.class);
            assertThatCode(() -> write(other)).doesNotThrowAnyException();
        }
    }

    @Test
    void another_process_is_not() throws Exception {
        Process other = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "-Xshare:auto",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        KeepsTrying.class.getName(),
                        database.url(),
                        folder.resolve("backstop.db").toString())
                .inheritIO()
                .start();
        assertThat(other.waitFor()).isZero();
        assertThat(store.quarantine().list())
                .singleElement()
                .satisfies(quarantine ->
                        assertThat(quarantine.agentId()).startsWith("unknown/postgres@" + other.pid() + "."));
        try (Connection connection = connection()) {
            assertThatCode(() -> write(connection)).doesNotThrowAnyException();
        }
    }

    @Test
    void an_agent_with_an_id_of_the_same_process_is_not() throws Exception {
        try (Connection connection = connection()) {
            keepTrying(connection);
            Backstop.asAgent("named", () -> {
                write(connection);
                return null;
            });
            assertThatThrownBy(() -> write(connection)).isInstanceOf(AgentQuarantinedException.class);
        }
    }

    /** A process of an agent without an id. */
    static final class KeepsTrying {
        private KeepsTrying() {}

        public static void main(String[] arguments) throws SQLException {
            try (Backstop backstop =
                            Backstop.builder().control(Path.of(arguments[1])).build();
                    Connection connection = backstop.guard(new TestDatabase(arguments[0]).connect())) {
                keepTrying(connection);
            }
        }
    }
}
