package io.backstop.jdbc;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.jdbc.policy.PolicyReader;
import io.backstop.testing.ServersBehindOnePort;
import io.backstop.testing.ServersBehindOnePort.Server;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Clock;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Approvals, and servers that cannot be told apart by host, port, names and oids. */
class SamePlaceApprovalTest {
    @TempDir
    private Path folder;

    @Test
    void an_approval_of_one_server_or_history_lets_nothing_run_on_another() throws Exception {
        try (ServersBehindOnePort servers = ServersBehindOnePort.in(Files.createDirectory(folder.resolve("servers")))) {
            Server second = made(servers);
            Server first = made(servers);
            Server promoted = servers.promotedCopy(first);
            String id = held(servers);
            try (SqlControlStore store = store()) {
                assertThat(store.approvals().decide(id, true, "ops")).isPresent();
            }
            for (Server other : new Server[] {second, promoted}) {
                servers.switchTo(other);
                assertThatThrownBy(() -> truncate(servers))
                        .isInstanceOf(ApprovalRequiredException.class)
                        .hasMessageContaining("the approval " + id
                                + " of the same statement does not fit: other values of "
                                + (other == second ? "system_identifier" : "timeline"));
                assertThat(other.direct("shop").value("SELECT count(*) FROM t")).isEqualTo("1");
            }
            servers.switchTo(first);
            truncate(servers);
            assertThat(first.direct("shop").value("SELECT count(*) FROM t")).isEqualTo("0");
        }
    }

    private static Server made(ServersBehindOnePort servers) throws Exception {
        Server server = servers.start();
        server.direct("postgres").run("CREATE DATABASE shop");
        server.direct("shop").run("CREATE TABLE t (id int)", "INSERT INTO t VALUES (1)");
        return server;
    }

    private SqlControlStore store() throws Exception {
        return SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
    }

    private void truncate(ServersBehindOnePort servers) throws Exception {
        try (Backstop backstop = Backstop.builder()
                        .control(store())
                        .snapshots(new FakeSnapshots())
                        .policy(new PolicyReader().read("{}", "p"))
                        .build();
                Connection connection = backstop.guard(servers.database("shop").connect());
                Statement statement = connection.createStatement()) {
            statement.execute("TRUNCATE t");
        }
    }

    private String held(ServersBehindOnePort servers) {
        AtomicReference<String> id = new AtomicReference<>();
        assertThatThrownBy(() -> truncate(servers))
                .isInstanceOfSatisfying(ApprovalRequiredException.class, held -> id.set(held.approvalId()));
        return Objects.requireNonNull(id.get());
    }
}
