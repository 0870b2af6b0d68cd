package io.backstop.cli.keys;

import io.backstop.cli.CommandRun;
import io.backstop.cli.output.ExitCode;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

@ExtendWith(PostgresExtension.class)
class KeysCommandTest {
    @TempDir
    private Path folder;

    private TestDatabase database;
    private String storage;
    private String key;
    private String id;

    @BeforeEach
    void store_under_a_key(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        storage = folder.resolve("snapshots").toUri().toString();
        key = folder.resolve("own.key").toString();
        database.run(
                "DROP TABLE IF EXISTS users, users_recovered",
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 100) AS n");
        id = json("keys", "create", "--key-file", key, "--json").get("key_id").asString();
        json(stored(key, "snapshots", "create", "--db", url(), "--table", "users", "--json"));
    }

    private String url() {
        return database.url().replaceFirst("^jdbc:", "");
    }

    private String[] stored(String keyFile, String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--storage", storage, "--key", keyFile));
        return all.toArray(String[]::new);
    }

    private static JsonNode json(String... arguments) {
        CommandRun run = CommandRun.of(arguments);
        assertThat(run.exitCode()).as(run.errors()).isZero();
        return JsonMapper.shared().readTree(run.output());
    }

    private String otherKey() {
        String other = folder.resolve("other.key").toString();
        assertThat(CommandRun.of("keys", "create", "--key-file", other).exitCode())
                .isZero();
        return other;
    }

    @Test
    void lists_which_keys_the_snapshots_need() {
        JsonNode needed = json(stored(key, "keys", "list", "--json"));
        assertThat(needed).hasSize(1);
        assertThat(needed.get(0).get("key_id").asString()).isEqualTo(id);
        assertThat(needed.get(0).get("snapshots").asInt()).isEqualTo(1);
        assertThat(needed.get(0).get("given").asBoolean()).isTrue();
    }

    @Test
    void every_command_of_the_storage_works_with_the_key() throws SQLException {
        assertThat(CommandRun.of(stored(key, "snapshots", "verify")).output()).contains("ok", ", authenticated");
        assertThat(CommandRun.of(stored(key, "snapshots", "list")).output()).contains("public.users");
        database.run("DROP TABLE users");
        CommandRun recovered = CommandRun.of(stored(key, "recover", "--db", url(), "--table", "users"));
        assertThat(recovered.exitCode()).as(recovered.errors()).isZero();
        assertThat(recovered.errors()).doesNotContain("not authenticated");
        assertThat(database.value("SELECT count(*) FROM users_recovered")).isEqualTo("100");
        CommandRun planned = CommandRun.of(stored(
                key,
                "restore-copyback-plan",
                "--db",
                url(),
                "--source-table",
                "users_recovered",
                "--target-table",
                "users"));
        assertThat(planned.exitCode()).as(planned.errors()).isZero();
        CommandRun pruned = CommandRun.of(stored(key, "snapshots", "prune", "--older-than", "1d", "--dry-run"));
        assertThat(pruned.exitCode()).as(pruned.errors()).isZero();
    }

    @Test
    void refuses_without_the_key_and_with_another_and_makes_nothing() throws SQLException {
        CommandRun without = CommandRun.of("recover", "--db", url(), "--table", "users", "--storage", storage);
        assertThat(without.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(without.errors()).contains("is encrypted, and no key is given", "HINT: name its key");
        CommandRun another = CommandRun.of(stored(otherKey(), "recover", "--db", url(), "--table", "users"));
        assertThat(another.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(another.errors()).contains("is encrypted under the key " + id);
        assertThat(database.value("SELECT count(*) FROM pg_class WHERE relname LIKE 'users\\_%recovered%'"))
                .isEqualTo("0");
    }

    @Test
    void says_that_a_snapshot_is_not_authenticated_and_needs_a_word_where_there_is_a_key() {
        String open = folder.resolve("open").toUri().toString();
        json("snapshots", "create", "--db", url(), "--table", "users", "--storage", open, "--json");
        CommandRun noted = CommandRun.of("recover", "--db", url(), "--table", "users", "--storage", open);
        assertThat(noted.exitCode()).as(noted.errors()).isZero();
        assertThat(noted.errors()).contains("is not authenticated");
        String[] refused = {
            "recover", "--db", url(), "--table", "users", "--storage", open, "--key", key, "--accept-unauthenticated"
        };
        CommandRun withKey = CommandRun.of(java.util.Arrays.copyOf(refused, refused.length - 1));
        assertThat(withKey.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(withKey.errors()).contains("is not authenticated, and a key is given", "--accept-unauthenticated");
    }

    @Test
    void rotation_moves_all_snapshots_to_the_new_key() {
        String other = otherKey();
        assertThat(json(stored(key, "keys", "rotate", "--new-key", other, "--json"))
                        .get("snapshots")
                        .asInt())
                .isEqualTo(1);
        assertThat(CommandRun.of(stored(other, "snapshots", "verify")).exitCode())
                .isZero();
        assertThat(CommandRun.of(stored(key, "snapshots", "verify")).exitCode()).isEqualTo(ExitCode.REFUSED);
    }

    @Test
    void a_key_is_not_made_in_a_folder_that_is_not_there() {
        CommandRun run = CommandRun.of(
                "keys", "create", "--key-file", folder.resolve("none/x.key").toString());
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(run.errors()).contains("none/x.key: there is no such file or folder");
    }

    @Test
    void destroying_a_key_needs_its_id_erases_its_snapshots_and_is_on_the_record() throws Exception {
        String control = folder.resolve("backstop.db").toString();
        String[] destroy = {
            "keys", "destroy", "--key-file", key, "--storage", storage, "--control", control, "--as", "alice"
        };
        CommandRun asked = CommandRun.of(destroy);
        assertThat(asked.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(asked.errors()).contains("would erase 1 snapshot ", "--confirm " + id);
        assertThat(Files.exists(Path.of(key))).isTrue();
        List<String> confirmed = new ArrayList<>(List.of(destroy));
        confirmed.addAll(List.of("--confirm", id));
        CommandRun unrecorded = CommandRun.of(confirmed.toArray(String[]::new));
        assertThat(unrecorded.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(unrecorded.errors()).contains("there is no control store");
        assertThat(Files.exists(Path.of(key))).isTrue();
        SqlControlStore.sqlite(Path.of(control), Clock.systemUTC()).close();
        assertThat(CommandRun.of(confirmed.toArray(String[]::new)).exitCode()).isZero();
        assertThat(Files.exists(Path.of(key))).isFalse();
        assertThat(CommandRun.of("audit", "list", "--control", control, "--json")
                        .output())
                .contains("key destroyed", id, "alice");
        assertThat(json("keys", "list", "--storage", storage, "--json")).isEmpty();
    }
}
