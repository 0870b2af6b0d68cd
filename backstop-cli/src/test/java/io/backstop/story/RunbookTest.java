package io.backstop.story;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.cli.CommandRun;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.S3Extension;
import io.backstop.testing.S3Server;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Runs the commands of docs/recovery.md as they are printed there, with a storage and a database in place of its examples. */
@ExtendWith({PostgresExtension.class, S3Extension.class})
class RunbookTest {
    private static final Pattern SECTION = Pattern.compile("## Step by step\n(.*?)\n## ", Pattern.DOTALL);
    private static final Pattern COMMAND = Pattern.compile("^ *backstop ((?:.*\\\\\n)*.*)$", Pattern.MULTILINE);

    private static final String RECOVER = "recover";
    private static final String LIST = "snapshots list";
    private static final String DRY_RUN = "restore --db";

    @TempDir
    private Path folder;

    private TestDatabase database;
    private String storage;
    private String snapshotId = "";

    @BeforeEach
    void loseUsers(TestDatabase testDatabase, S3Server s3) throws SQLException {
        database = testDatabase;
        storage = s3.storage(s3.newBucket());
        database.run(
                "DROP TABLE IF EXISTS users, users_recovered, orders CASCADE",
                "CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL UNIQUE)",
                "CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users)",
                "INSERT INTO users (name) SELECT 'user ' || n FROM generate_series(1, 1000) AS n",
                "INSERT INTO orders SELECT n, n FROM generate_series(1, 1000) AS n");
        String control = folder.resolve("backstop.db").toString();
        try (Connection agent = DriverManager.getConnection(
                        database.backstopUrl("backstop.control=" + control + "&backstop.storage=" + storage));
                Statement statement = agent.createStatement()) {
            assertThatThrownBy(() -> statement.execute("DROP TABLE users CASCADE"))
                    .isInstanceOfSatisfying(
                            ApprovalRequiredException.class,
                            held -> CommandRun.of("approvals", "approve", held.approvalId(), "--control", control));
            statement.execute("DROP TABLE users CASCADE");
        }
    }

    private static List<String> printedCommands() throws IOException {
        String text = Files.readString(Path.of("..", "docs", "recovery.md"));
        MatchResult section = SECTION.matcher(text).results().findFirst().orElseThrow();
        return COMMAND.matcher(section.group(1))
                .results()
                .map(command -> command.group(1).replace("\\\n", " ").replaceAll(" +", " "))
                .toList();
    }

    private CommandRun run(String printed) {
        String[] arguments = printed.replace(
                        "postgresql://postgres@localhost:5432/mydb",
                        database.url().replaceFirst("^jdbc:", ""))
                .replace("s3://prod-snapshots", storage)
                .replace("snap_a3f9e2c1", snapshotId)
                .split(" ");
        return CommandRun.of(arguments);
    }

    @Test
    void the_printed_commands_bring_a_dropped_table_back() throws SQLException, IOException {
        List<String> commands = printedCommands();
        assertThat(commands).hasSize(6);
        assertThat(commands.get(0)).startsWith(RECOVER);
        assertThat(commands.get(1)).startsWith(LIST);
        assertThat(commands.get(2)).startsWith(DRY_RUN).endsWith("--dry-run");

        CommandRun recovered = run(commands.get(0));
        assertThat(recovered.exitCode()).as(recovered.errors()).isZero();
        assertThat(recovered.output()).contains("is restored as public.users_recovered, 1000 rows", "BEGIN;");
        assertThat(database.value("SELECT count(*) FROM users_recovered")).isEqualTo("1000");
        // The other way there, of which this is the beginning.
        database.run("DROP TABLE users_recovered");

        CommandRun listed = run(commands.get(1));
        assertThat(listed.exitCode()).isZero();
        snapshotId = Pattern.compile("snap_[0-9a-f]{16}")
                .matcher(listed.output())
                .results()
                .findFirst()
                .orElseThrow()
                .group();
        assertThat(listed.output()).contains("public.users", "1000", "missing");

        CommandRun dryRun = run(commands.get(2));
        assertThat(dryRun.exitCode()).as(dryRun.errors()).isZero();
        assertThat(dryRun.output()).contains("dry run: nothing was written", snapshotId, "rows:       1000");
        assertThat(database.value("SELECT to_regclass('users_recovered')")).isEqualTo("null");

        CommandRun restored = run(commands.get(3));
        assertThat(restored.exitCode()).as(restored.errors()).isZero();
        assertThat(restored.output()).contains("restored 1000 rows of public.users", "as public.users_recovered");

        CommandRun validated = run(commands.get(4));
        assertThat(validated.exitCode()).as(validated.errors()).isZero();
        assertThat(validated.output()).contains("public.users_recovered is what " + snapshotId + " holds");

        CommandRun planned = run(commands.get(5));
        assertThat(planned.exitCode()).as(planned.errors()).isZero();
        database.run(planned.output());
        assertThat(database.rows("SELECT id, name FROM users ORDER BY id"))
                .hasSize(1000)
                .startsWith("1|user 1")
                .endsWith("1000|user 1000");
        assertThat(database.value("INSERT INTO users (name) VALUES ('next') RETURNING id"))
                .isEqualTo("1001");
    }

    @Test
    void every_printed_command_has_its_help_and_its_exit_codes() throws IOException {
        for (String command : printedCommands()) {
            String name = command.replaceFirst(" --.*", "");
            CommandRun help = CommandRun.of((name + " --help").split(" "));
            assertThat(help.exitCode()).as(name).isZero();
            assertThat(help.output()).contains("Usage: backstop " + name);
            assertThat(CommandRun.of((name + " --no-such-option").split(" ")).exitCode())
                    .as(name)
                    .isEqualTo(2);
        }
    }
}
