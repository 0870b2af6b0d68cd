package io.backstop.story;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.CommandRun;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * An agent empties a table again and again while others take snapshots of it and remove all that may be removed, each in a
 * process of its own that is killed at any moment and started again. Nothing that was lost is without its snapshot. With
 * {@code -Plong} there are more rounds, which are others at every run: the seed is printed, and {@code
 * -Dbackstop.test.seed=…} gives it again, though not the moments.
 */
class PruneFireTest extends GuardedStory {
    private static final int USUAL = 2;
    private static final int ROUNDS = Integer.getInteger("backstop.test.fires", USUAL);

    /** Between the end of one process and that of the next. */
    private static final int LONGEST_MILLIS = 500;

    private static final long SEED =
            Long.getLong("backstop.test.seed", ROUNDS == USUAL ? 20261128 : new SecureRandom().nextLong());

    private final Random random = new Random(SEED);

    @BeforeEach
    void generations() throws SQLException {
        System.out.println("fires: " + ROUNDS + ", seed " + SEED);
        database.run(
                "DROP TABLE t",
                "CREATE TABLE t (generation int, i int)",
                "CREATE TABLE lost (generation int PRIMARY KEY)",
                "INSERT INTO t SELECT 0, i FROM generate_series(1, " + FireSite.FIRST + ") i");
    }

    /** A use keeps a snapshot for a day at least, so that none of them is gone. */
    @Test
    void every_loss_that_relied_on_a_snapshot_still_has_it() throws Exception {
        Path policy = policy("\"snapshot_mode\": \"recent\", \"require_sidecar_heartbeat\": false");
        for (int round = 0; round < ROUNDS; round++) {
            burn(List.of(
                    agent(policy),
                    repeated("snapshots", "create", "--table", "t", "--db", plainUrl(), "--storage", storage()),
                    prune(),
                    prune()));
            List<String> lost = database.rows("SELECT generation FROM lost ORDER BY generation");
            List<Long> kept = new ArrayList<>();
            for (SnapshotManifest manifest : archive.list("public", "t")) {
                archive.verify(manifest);
                kept.add(manifest.rowCount() - FireSite.FIRST);
            }
            assertThat(kept.stream().map(String::valueOf).collect(Collectors.toSet()))
                    .as("round " + round)
                    .containsAll(lost);
        }
        assertThat(database.rows("SELECT generation FROM lost")).isNotEmpty();
    }

    /** Others may be pruned, but the last one is the newest of its table, whatever was rolled back since. */
    @Test
    void the_last_loss_can_be_recovered() throws Exception {
        Path policy = policy("\"snapshot_mode\": \"inline\"");
        for (int round = 0; round < ROUNDS; round++) {
            burn(List.of(agent(policy), prune(), prune("--db", plainUrl())));
            assertThat(archive.contents().broken()).isEmpty();
            String lost = database.value("SELECT max(generation) FROM lost");
            CommandRun recovery = recover("t");
            assertThat(recovery.exitCode()).as(recovery.errors()).isZero();
            assertThat(database.rows("SELECT generation, count(*) FROM t_recovered GROUP BY 1"))
                    .as("round " + round + ": " + recovery.errors())
                    .containsExactly(lost + "|" + (FireSite.FIRST + Integer.parseInt(lost)));
            database.run("DROP TABLE t_recovered");
        }
    }

    private Path policy(String snapshots) throws IOException {
        Path policy = folder.resolve("policy.json");
        Files.writeString(policy, "{\"require_approval_for_risks\": [], " + snapshots + "}");
        return policy;
    }

    private String plainUrl() {
        return database.url().replaceFirst("^jdbc:", "");
    }

    private String[] agent(Path policy) {
        return new String[] {
            "agent",
            database.url(),
            policy.toString(),
            storage(),
            control().toString(),
            String.valueOf(random.nextInt())
        };
    }

    private static String[] repeated(String... command) {
        List<String> arguments = new ArrayList<>(List.of("command"));
        arguments.addAll(List.of(command));
        return arguments.toArray(String[]::new);
    }

    private String[] prune(String... options) {
        List<String> arguments =
                new ArrayList<>(List.of("command", "snapshots", "prune", "--storage", storage(), "--older-than", "0s"));
        arguments.addAll(List.of("--approval-retention", "0s"));
        arguments.addAll(List.of(options));
        return arguments.toArray(String[]::new);
    }

    /** Starts them together, and kills each at a moment of its own, once all have done their work. */
    private void burn(List<String[]> programs) throws Exception {
        List<Process> processes = new ArrayList<>();
        for (String[] program : programs) {
            processes.add(ForkedJvm.start(FireSite.class, program));
        }
        try {
            for (Process process : processes) {
                assertThat(process.inputReader().readLine()).isEqualTo(FireSite.DONE);
            }
            for (Process process : processes) {
                process.waitFor(random.nextInt(LONGEST_MILLIS), TimeUnit.MILLISECONDS);
                process.destroyForcibly();
            }
        } finally {
            for (Process process : processes) {
                process.destroyForcibly().waitFor();
            }
        }
        ForkedJvm.awaitSessionsEnd(database);
    }
}
