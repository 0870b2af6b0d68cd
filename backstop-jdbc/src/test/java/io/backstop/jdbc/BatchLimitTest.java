package io.backstop.jdbc;

import io.backstop.api.error.ImpactLimitException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A batch is limited by the share of its largest statement, where it is known what each of them changed. */
@ExtendWith(PostgresExtension.class)
class BatchLimitTest {
    private static final String HINT = "\nHINT: send it in smaller batches, or as one statement that can be approved";

    @TempDir
    private Path folder;

    private TestDatabase database;
    private ApplicationGuard guard;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE bt (id int PRIMARY KEY, v text)",
                "INSERT INTO bt SELECT i, 'old' FROM generate_series(1, 100) i",
                "CREATE TABLE other (id int PRIMARY KEY, v text)");
        guard = new ApplicationGuard(database, folder);
    }

    @AfterEach
    void close() throws SQLException {
        guard.close();
    }

    private int[] batch(String sql, int from, int to) throws SQLException {
        try (PreparedStatement statement = guard.connection().prepareStatement(sql)) {
            for (int id = from; id <= to; id++) {
                statement.setInt(1, id);
                statement.addBatch();
            }
            return BatchRefusal.execute(statement);
        }
    }

    private int[] batch(String... sql) throws SQLException {
        try (Statement statement = guard.connection().createStatement()) {
            for (String each : sql) {
                statement.addBatch(each);
            }
            return BatchRefusal.execute(statement);
        }
    }

    private String rows() throws SQLException {
        return database.value("SELECT count(*) FROM bt");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void single_rows_are_never_too_many(boolean autoCommit) throws SQLException {
        guard.connection().setAutoCommit(autoCommit);
        assertThat(batch("UPDATE bt SET v = 'new' WHERE id = ?", 1, 100))
                .hasSize(100)
                .containsOnly(1);
        assertThat(batch("DELETE FROM bt WHERE id = ?", 1, 60)).hasSize(60).containsOnly(1);
        String[] texts = new String[40];
        Arrays.setAll(
                texts, i -> (i % 2 == 0 ? "DELETE FROM bt" : "UPDATE bt SET v = 'last'") + " WHERE id = " + (61 + i));
        assertThat(batch(texts)).hasSize(40).containsOnly(1);
        if (!autoCommit) {
            guard.connection().commit();
        }
        assertThat(database.value("SELECT count(*) FROM bt WHERE v = 'last'")).isEqualTo("20");
    }

    @Test
    void the_largest_statement_is_judged_as_if_it_were_sent_alone() throws SQLException {
        assertThatThrownBy(() -> batch("DELETE FROM bt WHERE id = 100", "DELETE FROM bt WHERE id <= 60"))
                .isInstanceOfSatisfying(
                        ImpactLimitException.class,
                        e -> assertThat(e.getSQLState()).isEqualTo("ZB010"))
                .hasMessage(
                        "the batch was rolled back: its statements changed up to 60 rows each, more than 50 percent of bt"
                                + HINT);
        assertThat(rows()).isEqualTo("100");
        assertThat(batch("DELETE FROM bt WHERE id <= 50", "DELETE FROM bt WHERE id BETWEEN 51 AND 90"))
                .containsExactly(50, 40);
        assertThat(rows()).isEqualTo("10");
        assertThatThrownBy(() -> batch("UPDATE bt SET v = 'new' WHERE id > 94", "UPDATE bt SET v = '1' WHERE id = 100"))
                .hasMessage(
                        "the batch was rolled back: its statements changed up to 6 rows each, more than 50 percent of bt"
                                + HINT);
    }

    @Test
    void updates_do_not_make_up_for_rows_that_were_deleted() throws SQLException {
        String[] texts = new String[41];
        Arrays.setAll(texts, i -> "UPDATE bt SET v = 'new' WHERE id = " + (i + 1));
        texts[40] = "DELETE FROM bt WHERE id > 40";
        assertThatThrownBy(() -> batch(texts))
                .hasMessage(
                        "the batch was rolled back: its statements changed up to 60 rows each, more than 50 percent of bt"
                                + HINT);
        assertThat(rows()).isEqualTo("100");
    }

    @Test
    void what_cascades_is_judged_as_a_whole() throws SQLException {
        database.run(
                "CREATE TABLE parents (id int PRIMARY KEY)",
                "INSERT INTO parents SELECT id FROM bt",
                "ALTER TABLE bt ADD FOREIGN KEY (id) REFERENCES parents ON DELETE CASCADE");
        assertThatThrownBy(() -> batch("DELETE FROM parents WHERE id = ?", 1, 60))
                .hasMessage("the batch was rolled back: it changed 60 rows, more than 50 percent of parents" + HINT);
        assertThat(rows()).isEqualTo("100");
    }

    @Test
    void inserted_rows_do_not_make_up_for_rows_that_cascade() throws SQLException {
        database.run(
                "CREATE TABLE parents (id int PRIMARY KEY)",
                "INSERT INTO parents VALUES (1), (2), (3)",
                "ALTER TABLE bt ADD p int REFERENCES parents ON DELETE CASCADE",
                "UPDATE bt SET p = 1 + id % 3 WHERE id <= 4");
        assertThatThrownBy(() -> batch(
                        "DELETE FROM parents WHERE id = 1",
                        "DELETE FROM parents WHERE id = 2",
                        "INSERT INTO other VALUES (1)",
                        "INSERT INTO other VALUES (2)",
                        "INSERT INTO other VALUES (3)"))
                .hasMessage("the batch was rolled back: it changed 2 rows, more than 50 percent of parents" + HINT);
        assertThat(database.value("SELECT count(*) FROM parents")).isEqualTo("3");
    }

    /** The sum of what the statements say is met by inserted rows, with or without a remainder. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "INSERT INTO log SELECT generate_series(1, 700)",
                "INSERT INTO log SELECT generate_series(1, 1000)"
            })
    void inserted_rows_do_not_make_up_in_the_sum_for_rows_that_cascade(String insert) throws SQLException {
        int inserted = insert.contains("700") ? 2 : 3;
        int cascaded = insert.contains("700") ? 1400 : 3000;
        database.run(
                "CREATE TABLE log (id int)",
                "CREATE TABLE parents (id int PRIMARY KEY)",
                "INSERT INTO parents SELECT generate_series(1, 10)",
                "CREATE TABLE children (parent int REFERENCES parents ON DELETE CASCADE)",
                "INSERT INTO children SELECT 1 FROM generate_series(1, " + cascaded + ")",
                "INSERT INTO children SELECT 2 FROM generate_series(1, 10000)");
        String[] texts = new String[inserted + 1];
        Arrays.fill(texts, insert);
        texts[inserted] = "DELETE FROM parents WHERE id = 1";
        assertThatThrownBy(() -> batch(texts))
                .hasMessage("the batch was rolled back: it changed " + (cascaded + 1)
                        + " rows, and the policy lets 1000 pass" + HINT);
        assertThat(database.value("SELECT count(*) FROM children WHERE parent = 1"))
                .isEqualTo(String.valueOf(cascaded));
    }

    /** Rows that no table lost make up in the sum for rows that another one lost. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "UPDATE seeming SET x = 2 WHERE id > 0",
                "INSERT INTO seeming SELECT id, 3 FROM seeming",
                "UPDATE ruled SET x = 2 WHERE x > 0",
                "CREATE TEMP TABLE made_%d AS SELECT generate_series(1, 1000) AS id"
            })
    void rows_that_a_view_tells_of_do_not_make_up_for_rows_that_code_deletes(String filling) throws SQLException {
        database.run(
                "CREATE TABLE victims AS SELECT generate_series(1, 5000) AS id",
                "CREATE VIEW seeming AS SELECT g AS id, 0 AS x FROM generate_series(1, 1000) AS g",
                "CREATE FUNCTION seem() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
                        + " IF NEW.x = 1 AND NEW.id = 1 THEN DELETE FROM public.victims; END IF; RETURN NEW; END'",
                "CREATE TRIGGER seem INSTEAD OF INSERT OR UPDATE ON seeming FOR EACH ROW EXECUTE FUNCTION seem()",
                "CREATE TABLE ruled (x int)",
                "INSERT INTO ruled VALUES (1)",
                "CREATE RULE ruled AS ON UPDATE TO ruled DO INSTEAD UPDATE seeming SET x = NEW.x");
        String[] texts = new String[6];
        Arrays.setAll(texts, i -> filling.formatted(i));
        texts[0] = "UPDATE seeming SET x = 1 WHERE id > 0";
        assertThatThrownBy(() -> batch(filling.startsWith("CREATE") ? texts : Arrays.copyOf(texts, 5)))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageStartingWith("the batch was rolled back: it changed 5000 rows");
        assertThat(database.value("SELECT count(*) FROM victims")).isEqualTo("5000");
    }

    @Test
    void single_rows_of_a_table_with_partitions_or_a_trigger_are_never_too_many() throws SQLException {
        database.run(
                "CREATE TABLE parted (id int, v text) PARTITION BY LIST (v)",
                "CREATE TABLE part PARTITION OF parted FOR VALUES IN ('old')",
                "CREATE TABLE rest PARTITION OF parted DEFAULT",
                "INSERT INTO parted SELECT i, 'old' FROM generate_series(1, 100) i",
                "CREATE FUNCTION noting() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
                        + " INSERT INTO public.other VALUES (OLD.id); RETURN NEW; END'",
                "CREATE TRIGGER noting BEFORE UPDATE ON bt FOR EACH ROW EXECUTE FUNCTION noting()");
        assertThat(batch("UPDATE parted SET v = 'new' WHERE id = ?", 1, 100)).containsOnly(1);
        assertThat(batch("UPDATE bt SET v = 'new' WHERE id = ?", 1, 100)).containsOnly(1);
    }

    @Test
    void a_batch_that_the_driver_rewrites_is_judged_as_a_whole() throws SQLException {
        guard.reconnect(DriverManager.getConnection(database.url() + "&reWriteBatchedInserts=true"));
        assertThatThrownBy(() ->
                        batch("INSERT INTO bt VALUES (?, 'new') ON CONFLICT (id) DO UPDATE SET v = excluded.v", 1, 64))
                .hasMessage("the batch was rolled back: it changed 64 rows, more than 50 percent of bt" + HINT);
        assertThat(database.value("SELECT count(*) FROM bt WHERE v = 'old'")).isEqualTo("100");
    }
}
