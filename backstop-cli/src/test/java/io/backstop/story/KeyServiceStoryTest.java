package io.backstop.story;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.cli.CommandRun;
import io.backstop.cli.output.ExitCode;
import io.backstop.key.kms.KmsServer;
import io.backstop.key.vault.VaultServer;
import io.backstop.snapshot.key.KeyServiceServer;
import io.backstop.snapshot.key.KeyServiceServer.Fault;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Snapshots under keys that are in a service. */
@ExtendWith(PostgresExtension.class)
class KeyServiceStoryTest {
    private static final String ARN = "arn:aws:kms:eu-central-1:111122223333:key/own";
    private static final String ROWS = "SELECT string_agg(t::text, ',' ORDER BY id) FROM t";

    @TempDir
    private Path folder;

    private final TestDatabase database;
    private final KmsServer kms = new KmsServer(ARN);
    private final VaultServer vault = new VaultServer("own");
    private final String home = System.getProperty("user.home");

    KeyServiceStoryTest(TestDatabase database) throws IOException {
        this.database = database;
    }

    private KeyServiceServer server(String service) {
        return service.equals("kms") ? kms : vault;
    }

    private String key(String service) {
        return service.equals("kms")
                ? "aws-kms://" + ARN + "@" + kms.endpoint()
                : "vault://teams/transit/own@" + vault.endpoint();
    }

    @BeforeEach
    void open() throws Exception {
        System.setProperty("aws.accessKeyId", "an-id");
        System.setProperty("aws.secretAccessKey", "a-secret");
        System.setProperty("user.home", folder.toString());
        Files.writeString(folder.resolve(".vault-token"), VaultServer.TOKEN);
        database.run(
                "DROP TABLE IF EXISTS t, t_recovered",
                "CREATE TABLE t (id int PRIMARY KEY, v text)",
                "INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 100) i");
    }

    @AfterEach
    void close() {
        kms.close();
        vault.close();
        System.clearProperty("aws.accessKeyId");
        System.clearProperty("aws.secretAccessKey");
        System.setProperty("user.home", home);
    }

    private CommandRun run(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--storage", storage()));
        return CommandRun.of(all.toArray(String[]::new));
    }

    private String storage() {
        return folder.resolve("snapshots").toUri().toString();
    }

    private void send(String key, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(
                        database.backstopUrl("backstop.agentId=agent&backstop.policy=application&backstop.control="
                                + folder.resolve("backstop.db") + "&backstop.storage=" + storage() + "&backstop.key="
                                + key));
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private CommandRun recover(String key) {
        String db = database.url().replaceFirst("^jdbc:", "");
        return run("recover", "--db", db, "--table", "t", "--key", key, "--json");
    }

    private void assertComesBackUnder(String key, String before) throws IOException, SQLException {
        CommandRun recovered = recover(key);
        assertThat(recovered.exitCode()).as(recovered.errors()).isZero();
        JsonNode report = JsonMapper.shared().readTree(recovered.output());
        assertThat(report.get("tables").get(0).get("authenticated").asBoolean()).isTrue();
        database.run(report.get("copyback_sql").asString().replaceAll("(?m)^\\\\.*$", ""));
        assertThat(database.value(ROWS)).isEqualTo(before);
        database.run("DROP TABLE IF EXISTS t_recovered");
    }

    @ParameterizedTest
    @ValueSource(strings = {"kms", "vault"})
    void what_a_guard_stored_comes_back(String service) throws Exception {
        String before = database.value(ROWS);
        send(key(service), "UPDATE t SET v = 'lost'");
        assertComesBackUnder(key(service), before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"kms", "vault"})
    void without_the_service_nothing_is_destroyed_and_nothing_restored(String service) throws Exception {
        String key = key(service);
        String before = database.value(ROWS);
        server(service).fail(Fault.DENIED, Integer.MAX_VALUE);
        assertThatThrownBy(() -> send(key, "TRUNCATE t"))
                .isInstanceOf(RecoveryNotReadyException.class)
                .hasMessageContaining("refuses to encrypt a data key")
                .hasMessageContaining("HINT: ");
        assertThat(database.value(ROWS)).isEqualTo(before);
        server(service).fail(Fault.NONE, 0);
        send(key, "TRUNCATE t");
        server(service).fail(Fault.DENIED, Integer.MAX_VALUE);
        CommandRun refused = recover(key);
        assertThat(refused.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(refused.errors()).contains("refuses to decrypt a data key", "HINT: ");
        server(service).fail(Fault.NONE, 0);
        assertComesBackUnder(key, before);
    }

    @Test
    void a_rotation_leads_from_a_file_to_a_service_and_on_to_another() throws Exception {
        String before = database.value(ROWS);
        String file = folder.resolve("a.key").toString();
        assertThat(CommandRun.of("keys", "create", "--key-file", file).exitCode())
                .isZero();
        send(file, "TRUNCATE t");
        String from = file;
        for (String to : List.of(key("vault"), key("kms"))) {
            CommandRun rotated = run("keys", "rotate", "--key", from, "--new-key", to);
            assertThat(rotated.exitCode()).as(rotated.errors()).isZero();
            assertThat(recover(from).exitCode()).isEqualTo(ExitCode.REFUSED);
            from = to;
        }
        assertComesBackUnder(from, before);
    }
}
