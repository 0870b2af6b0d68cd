package io.backstop.story;

import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Days that nobody thought of: a random schema, random losses through the guard among daily work beside it, and the way back to
 * a moment of that day by {@code recover --schema}. What does not come back has to be named.
 *
 * <p>{@code -Dbackstop.test.days=500} makes it long, {@code -Dbackstop.test.day=…} repeats one.
 */
class RandomDaysTest extends GuardedStory {
    private static final int DAYS = Integer.getInteger("backstop.test.days", 6);
    private static final long FIRST = Long.getLong("backstop.test.day", 1);

    private static final Pattern ASIDE = Pattern.compile(
            "put these back by `backstop recover --table (\\S+) --before (snap_\\w+) --replace-recovered`");

    private static final Pattern NEWER = Pattern.compile("(?:what later statements took of|this is) (\\S+) "
            + "(?:is in newer snapshots|as snapshot .* has it: rows that came later)|"
            + "note:   \\S+ (snap_\\w+): (?:all|the) [\\d,]+ rows(?!.* with other columns)");

    private static final Pattern PART =
            Pattern.compile("constraint (\\S+)|INDEX (\\S+)|TRIGGER (\\S+)|policy \\S+ (\\S+)"
                    + "|STATISTICS (\\S+)|column (\\S+)|FUNCTION (\\S+)\\(|sequence (\\S+)|table (\\S+)");

    private final List<String> told = new ArrayList<>();

    /** Tables into which a later snapshot could not be put back, which said why. */
    private final Set<String> refused = new HashSet<>();

    static LongStream days() {
        return LongStream.range(FIRST, FIRST + DAYS);
    }

    @ParameterizedTest
    @MethodSource("days")
    void what_a_day_took_comes_back_or_is_named(long seed) throws Exception {
        Random random = new Random(seed);
        RandomStep steps = new RandomStep(database, random);
        for (String sql : RandomSchema.statements(random)) {
            told.add(sql);
            try {
                database.run(sql);
            } catch (SQLException e) {
                throw new AssertionError(sql, e);
            }
        }
        // Every other day, ordinary writes are covered: these are no losses, and must not get in the way.
        String cover = seed % 2 == 0 ? "none" : "all";
        try (Backstop backstop = backstop("\"block_operations\": [], \"cover_writes\": \"" + cover + "\"")) {
            for (int i = random.nextInt(6); i > 0; i--) {
                if (random.nextBoolean()) {
                    lose(backstop, random, steps);
                } else {
                    work(steps.work());
                }
            }
            told.add("-- the moment");
            Instant moment = Instant.now();
            Map<String, List<String>> rows = rows();
            Set<String> definitions = definitions();
            for (int i = 3 + random.nextInt(10); i > 0; i--) {
                lose(backstop, random, steps);
            }
            if (recover(moment)) {
                compare(definitions, rows);
            }
        }
    }

    private void lose(Backstop backstop, Random random, RandomStep steps) throws SQLException {
        int count = random.nextInt(4) == 0 ? 2 + random.nextInt(2) : 1;
        boolean kept = random.nextInt(4) != 0;
        try (Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            if (count == 1) {
                Optional<String> sql = steps.loss();
                sql.ifPresent(text -> told.add(text + "; -- " + outcome(statement, text)));
                return;
            }
            connection.setAutoCommit(false);
            told.add("BEGIN");
            for (int i = 0; i < count; i++) {
                Optional<String> sql = steps.loss();
                sql.ifPresent(text -> told.add(text + "; -- " + outcome(statement, text)));
            }
            told.add(kept ? "COMMIT" : "ROLLBACK");
            if (kept) {
                connection.commit();
            } else {
                connection.rollback();
            }
        } catch (SQLException e) {
            told.add("-- not committed: " + e.getMessage());
        }
    }

    private void work(Optional<String> sql) {
        sql.ifPresent(text -> {
            try {
                database.run(text);
                told.add(text + "; -- beside");
            } catch (SQLException e) {
                told.add(text + "; -- beside: " + e.getMessage());
            }
        });
    }

    private Map<String, List<String>> rows() throws SQLException {
        Map<String, List<String>> rows = new TreeMap<>();
        for (String table : database.rows("SELECT oid::regclass FROM pg_class WHERE relnamespace = 'app'::regnamespace"
                + " AND relkind IN ('r', 'p') AND NOT relispartition")) {
            rows.put(table, database.rows("SELECT t::text FROM " + table + " t ORDER BY 1"));
        }
        return rows;
    }

    private Set<String> definitions() throws SQLException {
        Set<String> definitions = new HashSet<>(database.rows(SchemaDefinitions.OF_TABLES));
        definitions.addAll(database.rows(SchemaDefinitions.OF_OBJECTS));
        return definitions;
    }

    /** Whether there was something to recover, and a script for it. */
    private boolean recover(Instant moment) throws SQLException {
        CommandRun run = schema(moment);
        if (run.exitCode() == 3 && run.errors().contains("nothing of schema app was stored")) {
            return true;
        }
        if (run.exitCode() == 3 && run.errors().contains("are missing cannot be told: it has no primary key")) {
            return false;
        }
        if (run.exitCode() == 1 && run.output().contains("that this does not put back: put these back first")) {
            newer(run.output()).forEach(newer -> next(newer.get(0), newer.get(1)));
            run = schema(moment);
        }
        assertThat(run.exitCode()).as(this::tale).isZero();
        copyBack(run);
        ASIDE.matcher(run.output()).results().forEach(found -> next(found.group(1), found.group(2)));
        newer(run.output()).forEach(newer -> next(newer.get(0), newer.get(1)));
        return true;
    }

    private CommandRun schema(Instant moment) {
        CommandRun run = command("recover", "--schema", "app", "--before", moment.toString(), "--replace-recovered");
        told.add(
                "recover --schema app --before " + moment + ": " + run.exitCode() + "\n" + run.errors() + run.output());
        return run;
    }

    private void next(String table, String snapshot) {
        CommandRun run = command("recover", "--table", table, "--before", snapshot, "--replace-recovered");
        told.add("recover --table " + table + " --before " + snapshot + " --replace-recovered: " + run.exitCode() + "\n"
                + run.errors() + run.output());
        if (run.exitCode() == 0) {
            copyBack(run);
        } else {
            refused.add(table);
        }
    }

    /** The snapshots that the report says to take next, oldest first, each behind the name of its table. */
    private static List<List<String>> newer(String report) {
        List<List<String>> newer = new ArrayList<>();
        Matcher found = NEWER.matcher(report);
        String table = "";
        while (found.find()) {
            if (found.group(1) != null) {
                table = found.group(1);
            } else {
                newer.add(0, List.of(table, found.group(2)));
            }
        }
        return newer;
    }

    private void copyBack(CommandRun run) {
        try {
            database.run(run.output());
            for (String line : run.output().lines().toList()) {
                if (line.startsWith("-- DROP TABLE ")) {
                    database.run(line.substring(3));
                }
            }
        } catch (SQLException e) {
            throw new AssertionError(tale(), e);
        }
    }

    /** Rows that stay as they are, or stay away, are counted by the report, and each definition that is not there is named. */
    private void compare(Set<String> definitions, Map<String, List<String>> rows) throws SQLException {
        String report = String.join("\n", told.subList(told.indexOf("-- the moment"), told.size()));
        Set<String> missing = new TreeSet<>(definitions);
        missing.removeAll(definitions());
        missing.forEach(definition -> told.add("-- missing: " + definition));
        Map<String, List<String>> now = rows();
        for (Map.Entry<String, List<String>> table : rows.entrySet()) {
            List<String> lost = new ArrayList<>(table.getValue());
            now.getOrDefault(table.getKey(), List.of()).forEach(lost::remove);
            told.add("-- rows missing of " + table.getKey() + ": " + lost);
            long named = counted(report, table.getKey());
            if (!refused.contains(table.getKey())) {
                assertThat(lost).as(this::tale).hasSizeLessThanOrEqualTo((int) named);
            }
        }
        assertThat(missing)
                .as(this::tale)
                .allSatisfy(definition ->
                        assertThat(isNamed(report, definition)).as(definition).isTrue());
    }

    /** How many stored rows of a table the report says do not come back. */
    private static long counted(String report, String table) {
        Matcher counts = Pattern.compile("(?m)^-- " + Pattern.quote(table) + "(?:_\\d)?: .* stored rows: (.*)$")
                .matcher(report);
        long sum = 0;
        while (counts.find()) {
            Matcher kept = Pattern.compile("(\\d+) [^,]*(?:STAY AS THEY ARE NOW|NOT PUT BACK)")
                    .matcher(counts.group(1));
            while (kept.find()) {
                sum += Long.parseLong(kept.group(1));
            }
        }
        return sum;
    }

    /** The object that a definition is about stands in a note or comment of the report. */
    private static boolean isNamed(String report, String definition) {
        Matcher named = PART.matcher(definition);
        String object = named.find()
                ? IntStream.rangeClosed(1, named.groupCount())
                        .mapToObj(named::group)
                        .filter(Objects::nonNull)
                        .findFirst()
                        .orElseThrow()
                : definition.split("\\s", 2)[0];
        // What belongs to a table is named beside it, without its schema.
        String bare = object.replaceFirst("^app\\.(?=\\w+_seq$)", "");
        return report.lines().anyMatch(line -> line.startsWith("-- note: ") && line.contains(bare));
    }

    private String tale() {
        return String.join("\n", told);
    }
}
