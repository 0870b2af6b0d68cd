package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.RestoreProgress.Step;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Restores a snapshot as the command line does, in a process of its own, and prints the seconds of each phase as one line
 * of JSON. Not a test: a benchmark runs it beside pg_restore.
 */
public final class RestoreBenchmark {
    private static final double NANOS = 1e9;

    private RestoreBenchmark() {}

    /**
     * Arguments: {@code --db} a URL for pgjdbc, {@code --storage}, {@code --snapshot-id}, {@code --target}, and where it is
     * not {@code counts}, {@code --thoroughness}; {@code --connections 1} restores over one.
     */
    public static void main(String[] arguments) throws Exception {
        Map<String, String> options = options(arguments);
        String url = required(options, "--db");
        Thoroughness thoroughness = Thoroughness.valueOf(options.getOrDefault("--thoroughness", "counts")
                .replace('-', '_')
                .toUpperCase(Locale.ROOT));
        boolean alone = options.getOrDefault("--connections", "2").equals("1");
        Map<Step, Long> reached = new EnumMap<>(Step.class);
        long begin = System.nanoTime();
        RestoredTable table;
        try (ObjectStore store = ObjectStores.open(required(options, "--storage"));
                Connection connection = DriverManager.getConnection(url)) {
            SnapshotArchive archive = new SnapshotArchive(store);
            SnapshotManifest manifest = archive.find(required(options, "--snapshot-id"));
            Restore restore = new Restore(
                    archive,
                    () -> alone ? Optional.empty() : Optional.of(DriverManager.getConnection(url)),
                    thoroughness);
            table = restore.restore(
                    connection,
                    manifest,
                    RelationName.of(manifest.schema(), required(options, "--target")),
                    (step, target, rows, total) -> reached.put(step, System.nanoTime()));
        }
        long end = System.nanoTime();
        // Over one connection indexes and constraints are one phase, which INDEXED does not end.
        long verified = at(reached, Step.VERIFIED);
        long loaded = at(reached, Step.LOADED);
        long indexed = at(reached, reached.containsKey(Step.INDEXED) ? Step.INDEXED : Step.CONSTRAINED);
        new PrintStream(System.out, true, StandardCharsets.UTF_8)
                .printf(
                        Locale.ROOT,
                        "{\"rows\": %d, \"thoroughness\": \"%s\", \"verify\": %.2f, \"load\": %.2f, \"index\": %.2f, "
                                + "\"publish\": %.2f, \"total\": %.2f}%n",
                        table.manifest().rowCount(),
                        table.validation().thoroughness().name().toLowerCase(Locale.ROOT),
                        seconds(begin, verified),
                        seconds(verified, loaded),
                        seconds(loaded, indexed),
                        seconds(indexed, end),
                        seconds(begin, end));
    }

    private static long at(Map<Step, Long> reached, Step step) {
        return Objects.requireNonNull(reached.get(step), step::name);
    }

    private static String required(Map<String, String> options, String name) {
        return Objects.requireNonNull(options.get(name), name + " is missing");
    }

    private static double seconds(long from, long to) {
        return (to - from) / NANOS;
    }

    private static Map<String, String> options(String[] arguments) {
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            options.put(arguments[i], arguments[i + 1]);
        }
        return options;
    }
}
