package io.backstop.story;

import io.backstop.cli.CommandRun;
import io.backstop.cli.output.ExitCode;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.S3Extension;
import io.backstop.testing.S3Server;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Everything that takes or reads snapshots does so under a key, on disk and in S3. */
@ExtendWith({PostgresExtension.class, S3Extension.class})
class EncryptedStoryTest {
    private static final String SECRET = "rosebud";
    private static final String ROWS = "SELECT string_agg(t::text, ',' ORDER BY id) FROM t";

    @TempDir
    private Path folder;

    private final TestDatabase database;
    private final S3Server s3;
    private Path key = Path.of("");
    private String storage = "";

    EncryptedStoryTest(TestDatabase database, S3Server s3) {
        this.database = database;
        this.s3 = s3;
    }

    @BeforeEach
    void fill() throws SQLException {
        database.run(
                "DROP TABLE IF EXISTS t, t_recovered",
                "CREATE TABLE t (id int PRIMARY KEY, v text)",
                "INSERT INTO t SELECT i, '" + SECRET + "' || i FROM generate_series(1, 100) i");
        key = folder.resolve("a.key");
        assertThat(CommandRun.of("keys", "create", "--key-file", key.toString()).exitCode())
                .isZero();
    }

    private void keepIn(String kind) {
        storage = kind.equals("file")
                ? folder.resolve("snapshots").toUri().toString()
                : s3.storage(s3.newBucket() + "/prefix");
    }

    private CommandRun run(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--storage", storage));
        return CommandRun.of(all.toArray(String[]::new));
    }

    private String db() {
        return database.url().replaceFirst("^jdbc:", "");
    }

    private Connection guarded(String policy) throws SQLException {
        return DriverManager.getConnection(database.backstopUrl("backstop.agentId=agent&backstop.policy=" + policy
                + "&backstop.control=" + folder.resolve("backstop.db") + "&backstop.storage=" + storage
                + "&backstop.key=" + key));
    }

    private void send(String policy, String sql) throws SQLException {
        try (Connection connection = guarded(policy);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private void assertNothingReadableIsStored() throws Exception {
        if (!storage.startsWith("file:")) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder.resolve("snapshots"))) {
            assertThat(files.filter(Files::isRegularFile))
                    .isNotEmpty()
                    .allSatisfy(file -> assertThat(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1))
                            .doesNotContain(SECRET));
        }
    }

    @Test
    void definitions_that_went_by_themselves_are_encrypted_and_come_back_under_the_key_alone() throws Exception {
        keepIn("file");
        database.run(
                "DROP SCHEMA IF EXISTS app CASCADE",
                "CREATE SCHEMA app",
                "CREATE TABLE app.t (id int)",
                "CREATE INDEX i ON app.t ((id::text || '" + SECRET + "'))",
                "CREATE FUNCTION app.f() RETURNS text LANGUAGE sql AS $$SELECT '" + SECRET + "'$$");
        send("application", "DROP INDEX app.i");
        send("application", "DROP FUNCTION app.f()");
        assertNothingReadableIsStored();
        String[] recover = {"recover", "--db", db(), "--schema", "app", "--before", "2020-01-01T00:00:00Z"};
        assertThat(run(recover).exitCode()).isNotZero();
        assertThat(database.value("SELECT to_regclass('app.t_recovered') IS NULL"))
                .isEqualTo("t");
        List<String> withKey = new ArrayList<>(List.of(recover));
        withKey.addAll(List.of("--key", key.toString()));
        CommandRun run = run(withKey.toArray(String[]::new));
        assertThat(run.exitCode()).as(run.errors()).isZero();
        assertThat(run.output()).doesNotContain("not authenticated");
        database.run(run.output());
        assertThat(database.value("SELECT app.f()")).isEqualTo(SECRET);
        assertThat(database.value("SELECT to_regclass('app.i')")).isEqualTo("app.i");
        database.run("DROP SCHEMA app CASCADE");
    }

    @Test
    void a_row_in_several_chunks_is_encrypted_and_comes_back() throws Exception {
        keepIn("file");
        database.run(
                "INSERT INTO t SELECT 101, '" + SECRET + "' || string_agg(encode(sha512(i::text::bytea), 'base64'), '')"
                        + " FROM generate_series(1, 150000) i");
        String contents = "SELECT count(*) || md5(string_agg(v, ',' ORDER BY id)) FROM t";
        String before = database.value(contents);
        send("application", "TRUNCATE t");
        try (Stream<Path> files = Files.walk(folder.resolve("snapshots"))) {
            assertThat(files.filter(file -> file.toString().endsWith(".copy.zst")))
                    .hasSize(2);
        }
        assertNothingReadableIsStored();
        CommandRun recovery = run("recover", "--db", db(), "--table", "t", "--key", key.toString());
        assertThat(recovery.exitCode()).as(recovery.errors()).isZero();
        database.run(recovery.output());
        assertThat(database.value(contents)).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"file", "s3"})
    void what_a_guard_stored_under_a_key_comes_back_with_it_alone(String kind) throws Exception {
        keepIn(kind);
        String before = database.value(ROWS);
        send("application", "TRUNCATE t");
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("0");
        assertNothingReadableIsStored();
        CommandRun without = run("recover", "--db", db(), "--table", "t");
        assertThat(without.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(without.errors()).contains("HINT:", "--key");
        CommandRun with = run("recover", "--db", db(), "--table", "t", "--key", key.toString(), "--json");
        assertThat(with.exitCode()).as(with.errors()).isZero();
        assertThat(with.errors()).doesNotContain("not authenticated");
        JsonNode report = JsonMapper.shared().readTree(with.output());
        assertThat(report.get("tables").get(0).get("authenticated").asBoolean()).isTrue();
        database.run(report.get("copyback_sql").asString().replaceAll("(?m)^\\\\.*$", ""));
        assertThat(database.value(ROWS)).isEqualTo(before);
        assertThat(run(
                                "drill",
                                "restore",
                                "--db",
                                db(),
                                "--key",
                                key.toString(),
                                "--control",
                                folder.resolve("backstop.db").toString())
                        .exitCode())
                .isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"file", "s3"})
    void what_a_sidecar_stored_under_a_key_serves_a_guard_with_it(String kind) throws Exception {
        keepIn(kind);
        Path policy = Files.writeString(
                folder.resolve("recent.json"),
                "{\"snapshot_mode\": \"recent\", \"require_approval_for_risks\": [], \"max_snapshot_age_seconds\": 3600}");
        String[] round = {
            "sidecar",
            "--db",
            db(),
            "--table",
            "t",
            "--rounds",
            "1",
            "--every",
            "0",
            "--control",
            folder.resolve("backstop.db").toString()
        };
        // Of a snapshot that no key vouches for, a guard with a key counts nothing.
        assertThat(run(round).exitCode()).isZero();
        assertThatThrownBy(() -> send(policy.toString(), "DELETE FROM t"))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).startsWith("ZB"));
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("100");
        List<String> keyed = new ArrayList<>(List.of(round));
        keyed.addAll(List.of("--key", key.toString()));
        assertThat(run(keyed.toArray(String[]::new)).exitCode()).isZero();
        send(policy.toString(), "DELETE FROM t");
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("0");
        CommandRun restored = run("recover", "--db", db(), "--table", "t", "--key", key.toString(), "--json");
        assertThat(restored.exitCode()).as(restored.errors()).isZero();
        assertThat(database.value("SELECT count(*) FROM t_recovered")).isEqualTo("100");
    }
}
