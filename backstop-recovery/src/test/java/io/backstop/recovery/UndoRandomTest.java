package io.backstop.recovery;

import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.recovery.model.UndoConflict;
import io.backstop.recovery.model.UndoReport;
import io.backstop.recovery.model.UndoReport.Outcome;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Random statements, writes of others and undos, compared with a model after each: which rows are named, and what every row
 * holds. Meanwhile others write rows of their own into the same table, none of which may be lost. {@code
 * -Dbackstop.test.undo.steps=10000} makes it long, {@code -Dbackstop.test.undo.seed} repeats one.
 */
@ExtendWith(PostgresExtension.class)
class UndoRandomTest {
    private static final int STEPS = Integer.getInteger("backstop.test.undo.steps", 30);
    private static final long SEED = Long.getLong("backstop.test.undo.seed", 20_261_129L);
    private static final int KEYS = 12;
    private static final int OTHERS_FROM = 1000;

    private final TestDatabase database;
    private SecuredChanges changes;
    private final Random random = new Random(SEED);

    /** What the table holds, by key. */
    private final Map<Integer, Row> rows = new TreeMap<>();

    private final List<Change> done = new ArrayList<>();
    private int writes;

    UndoRandomTest(TestDatabase database) {
        this.database = database;
        this.changes = new SecuredChanges(database, new HookedMemoryStore());
    }

    @Test
    void every_conflict_is_named_and_no_row_is_overwritten_that_somebody_wrote_since() throws Exception {
        database.run(
                "DROP SCHEMA IF EXISTS app CASCADE",
                "CREATE SCHEMA app",
                "CREATE TABLE app.r (id int PRIMARY KEY, v int NOT NULL)");
        for (int id = 1; id <= KEYS; id++) {
            insert(id);
        }
        ExecutorService others = Executors.newFixedThreadPool(2);
        AtomicBoolean stop = new AtomicBoolean();
        try {
            List<Future<Map<Integer, Integer>>> written = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                int first = OTHERS_FROM * (i + 1);
                written.add(others.submit(() -> writeOthers(first, stop)));
            }
            for (int step = 0; step < STEPS; step++) {
                if (step % 100 == 99) {
                    // An undo looks at all that a storage holds.
                    changes = new SecuredChanges(database, new HookedMemoryStore());
                    done.clear();
                }
                step();
                assertThat(contents("id < " + OTHERS_FROM))
                        .as("seed %s, step %s", SEED, step)
                        .isEqualTo(values());
            }
            stop.set(true);
            for (Future<Map<Integer, Integer>> each : written) {
                Map<Integer, Integer> wanted = each.get();
                int first = wanted.keySet().iterator().next() / OTHERS_FROM * OTHERS_FROM;
                assertThat(contents("id BETWEEN " + first + " AND " + (first + OTHERS_FROM - 1)))
                        .as("rows of others, seed %s", SEED)
                        .isEqualTo(wanted);
            }
        } finally {
            stop.set(true);
            others.shutdownNow();
        }
    }

    /** As fast as the server lets it, until it is stopped. */
    private Map<Integer, Integer> writeOthers(int first, AtomicBoolean stop) throws SQLException {
        Map<Integer, Integer> wanted = new TreeMap<>();
        Random own = new Random(SEED + first);
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("INSERT INTO app.r VALUES (" + first + ", 0)");
            wanted.put(first, 0);
            while (!stop.get()) {
                int id = first + 1 + own.nextInt(20);
                int value = own.nextInt(1000);
                if (wanted.containsKey(id) && own.nextInt(3) == 0) {
                    statement.execute("DELETE FROM app.r WHERE id = " + id);
                    wanted.remove(id);
                } else {
                    statement.execute("INSERT INTO app.r VALUES (" + id + ", " + value
                            + ") ON CONFLICT (id) DO UPDATE SET v = excluded.v");
                    wanted.put(id, value);
                }
            }
        }
        return wanted;
    }

    private Map<Integer, Integer> contents(String condition) throws SQLException {
        return database.rows("SELECT id, v FROM app.r WHERE " + condition).stream()
                .map(row -> row.split("\\|"))
                .collect(Collectors.toMap(
                        row -> Integer.parseInt(row[0]), row -> Integer.parseInt(row[1]), (a, b) -> a, TreeMap::new));
    }

    private Map<Integer, Integer> values() {
        Map<Integer, Integer> values = new TreeMap<>();
        rows.forEach((id, row) -> values.put(id, row.value()));
        return values;
    }

    private void step() throws Exception {
        switch (random.nextInt(8)) {
            case 0, 1 -> secured(Kind.UPDATE);
            case 2 -> secured(Kind.DELETE);
            case 3, 4 -> other();
            default -> {
                if (!done.isEmpty()) {
                    undo(done.get(Math.max(0, done.size() - 1 - random.nextInt(4))), random.nextInt(3) == 0);
                }
            }
        }
    }

    /** A statement through Backstop that takes some of the rows. */
    private void secured(Kind kind) throws SQLException {
        int from = 1 + random.nextInt(KEYS);
        int to = Math.min(KEYS, from + random.nextInt(5));
        String condition = "id BETWEEN " + from + " AND " + to;
        Set<Integer> taken = matching(id -> id >= from && id <= to);
        if (taken.isEmpty()) {
            return; // it has no snapshot then
        }
        int add = random.nextInt(3);
        String name = changes.rows(
                kind,
                "r",
                condition,
                kind == Kind.DELETE
                        ? "DELETE FROM app.r WHERE " + condition
                        : "UPDATE app.r SET v = v + " + add + " WHERE " + condition);
        Change change = new Change(name);
        int write = ++writes;
        for (int id : taken) {
            Row before = rows.remove(id);
            if (kind == Kind.UPDATE) {
                rows.put(id, new Row(Objects.requireNonNull(before).value() + add, write));
            }
            change.put(id, before, rows.get(id));
        }
        done.add(change);
    }

    private Set<Integer> matching(Predicate<Integer> wanted) {
        return rows.keySet().stream().filter(wanted).collect(Collectors.toCollection(TreeSet::new));
    }

    /** What somebody else writes, around Backstop. */
    private void other() throws SQLException {
        int id = 1 + random.nextInt(KEYS);
        if (!rows.containsKey(id)) {
            insert(id);
        } else if (random.nextBoolean()) {
            database.run("DELETE FROM app.r WHERE id = " + id);
            rows.remove(id);
        } else {
            int value = random.nextInt(4);
            database.run("UPDATE app.r SET v = " + value + " WHERE id = " + id);
            rows.put(id, new Row(value, ++writes));
        }
    }

    private void insert(int id) throws SQLException {
        int value = random.nextInt(4);
        database.run("INSERT INTO app.r VALUES (" + id + ", " + value + ")");
        rows.put(id, new Row(value, ++writes));
    }

    private void undo(Change change, boolean skipChanged) throws Exception {
        Set<Integer> conflicts = new TreeSet<>();
        Set<Integer> back = new TreeSet<>();
        change.before().forEach((id, before) -> {
            Optional<Row> now = Optional.ofNullable(rows.get(id));
            Optional<Row> after = Objects.requireNonNull(change.after().get(id));
            boolean asLeft = now.equals(after);
            boolean asBefore = before.isPresent()
                    && now.filter(row -> row.value() == before.get().value()).isPresent();
            if (!asBefore && asLeft) {
                back.add(id);
            } else if (!asBefore) {
                conflicts.add(id);
            }
        });

        UndoReport report = changes.undo(change.name(), skipChanged);

        assertThat(report.conflicts().stream()
                        .map(UndoConflict::key)
                        .map(key -> Integer.parseInt(Objects.requireNonNull(key.get("id"))))
                        .collect(Collectors.toSet()))
                .as("seed %s, conflicts of %s", SEED, change)
                .isEqualTo(new HashSet<>(conflicts));
        if (!conflicts.isEmpty() && !skipChanged) {
            assertThat(report.outcome()).isEqualTo(Outcome.REFUSED);
            return;
        }
        assertThat(report.outcome()).isEqualTo(back.isEmpty() ? Outcome.NOTHING_TO_DO : Outcome.UNDONE);
        if (back.isEmpty()) {
            return;
        }
        Change undo = new Change(report.undo().orElseThrow());
        int write = ++writes;
        for (int id : back) {
            Row left = rows.remove(id);
            change.before(id).ifPresent(row -> rows.put(id, new Row(row.value(), write)));
            undo.put(id, left, rows.get(id));
        }
        done.add(undo);
    }

    /** A row and which write made it what it is. */
    private record Row(int value, int write) {}

    /** What a statement or an undo did to each row. */
    private record Change(String name, Map<Integer, Optional<Row>> before, Map<Integer, Optional<Row>> after) {
        Change(String name) {
            this(name, new HashMap<>(), new HashMap<>());
        }

        void put(int id, @Nullable Row was, @Nullable Row is) {
            before.put(id, Optional.ofNullable(was));
            after.put(id, Optional.ofNullable(is));
        }

        Optional<Row> before(int id) {
            return Objects.requireNonNull(before.get(id));
        }
    }
}
