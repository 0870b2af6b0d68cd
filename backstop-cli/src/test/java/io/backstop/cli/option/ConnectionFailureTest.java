package io.backstop.cli.option;

import io.backstop.cli.CommandRun;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

/** A server that takes no connection is an error with a hint that says what to look at. */
@ExtendWith(PostgresExtension.class)
class ConnectionFailureTest {
    @TempDir
    private Path folder;

    private CommandRun run(String command, String address) {
        String[] arguments = command.replace("STORAGE", folder.toUri().toString())
                .replace("DB", address)
                .split(" ");
        return CommandRun.of(arguments);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "recover --db DB --storage STORAGE --table users",
                "snapshots create --db DB --storage STORAGE --table users",
                "analyze --db DB VACUUM"
            })
    void each_kind_of_refusal_has_its_hint(String command, TestDatabase database) throws Exception {
        String url = database.url().replaceFirst("^jdbc:", "");
        assertHint(run(command, "postgresql://127.0.0.1:" + closedPort() + "/x"), "check host and port of 127.0.0.1:");
        assertHint(run(command, "postgresql://nosuch.invalid/x"), "check host and port of nosuch.invalid:5432");
        assertHint(
                run(command, url.replaceFirst("/[^/?]+([?]|$)", "/nosuch$1")),
                "check the name of the database in jdbc:postgresql://");
        assertHint(run(command, url.replaceFirst("user=[^&]*", "user=nosuch")), "check the user and the password");
    }

    private static void assertHint(CommandRun run, String hint) {
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.errors()).startsWith("error: ").contains("\nHINT: " + hint);
        assertThat(run.errors().split("HINT: ", -1)).as(run.errors()).hasSize(2);
    }

    private static int closedPort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "08001|check host and port of db:5433, and that the server runs there",
                "08006|check host and port of db:5433, and that the server runs there",
                "08004|check the password (PGPASSWORD, ~/.pgpass) and sslmode against what the server asks for",
                "28P01|check the user and the password, and what pg_hba.conf of the server lets in",
                "28000|check the user and the password, and what pg_hba.conf of the server lets in",
                "3D000|check the name of the database in jdbc:postgresql://db:5433/shop",
                "42501|check that the user may connect to that database (GRANT CONNECT)",
                "53300|try again when the server has fewer connections, or raise its limit",
                "57P03|try again when the server has started"
            })
    void the_hint_is_that_of_the_sqlstate(String state, String hint) {
        DatabaseAddress address = DatabaseAddress.parse("postgresql://anna:secret@db:5433/shop", Map.of());
        SQLException failure = new SQLException("FATAL: said by the server", state);
        Throwable hinted = ConnectionFailure.hinted(failure, address);
        assertThat(hinted)
                .hasMessage("FATAL: said by the server\nHINT: " + hint)
                .hasCause(failure)
                .extracting(e -> ((SQLException) e).getSQLState())
                .isEqualTo(state);
    }

    @Test
    void what_has_no_known_reason_stays_as_it_is() {
        SQLException failure = new SQLException("FATAL: other", "XX000");
        Throwable hinted = ConnectionFailure.hinted(failure, DatabaseAddress.parse("postgresql://db", Map.of()));
        assertThat(hinted).isSameAs(failure);
    }
}
