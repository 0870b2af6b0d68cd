package io.backstop.story;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.jdbc.Backstop;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.LatinServer;
import io.backstop.testing.TestDatabase;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.util.List;
import java.util.Objects;

import static org.assertj.core.api.Assertions.assertThat;

/** Tables whose names the server folds beyond ASCII and cuts by the bytes of its own encoding, from the loss to the way back. */
class LatinStoryTest extends GuardedStory {
    private static final String KEPT = "é".repeat(40) + "_with_a_long_name_that_";
    private static final String LONG = "É".repeat(40) + "_WITH_A_LONG_NAME_THAT_is_cut";

    private static @Nullable LatinServer server;

    @BeforeAll
    static void start(TestDatabase other, @TempDir Path data) throws Exception {
        server = LatinServer.start(other, data);
    }

    @AfterAll
    static void stop() throws Exception {
        if (server != null) {
            server.close();
        }
    }

    @BeforeEach
    void fill() throws SQLException {
        database = Objects.requireNonNull(server).database("LATIN1");
        database.run(
                "CREATE TABLE SOCIÉTÉ (ID int PRIMARY KEY, ÉTÉ text)",
                "INSERT INTO société SELECT i, 'é' || i FROM generate_series(1, 1000) i",
                "CREATE TABLE " + LONG + " (id int PRIMARY KEY, k int REFERENCES SOCIÉTÉ ON DELETE CASCADE)",
                "INSERT INTO " + LONG + " SELECT i, i FROM generate_series(1, 1000) i");
    }

    private String counts() throws SQLException {
        return String.join(
                "|",
                database.rows("SELECT count(*) FROM société UNION ALL SELECT count(*) FROM " + LONG
                        + " UNION ALL SELECT count(*) FROM société WHERE été = 'é' || id"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "TRUNCATE SOCIÉTÉ CASCADE",
                "DELETE FROM SociÉtÉ",
                "DELETE FROM SOCIÉTÉ WHERE id > 0",
                "DROP TABLE SOCIÉTÉ CASCADE"
            })
    void what_is_lost_under_a_name_in_capitals_comes_back_under_the_name_that_the_server_keeps(String loss)
            throws Exception {
        try (Backstop backstop = backstop("\"max_write_percent_without_critical\": 50")) {
            assertThat(outcome(backstop, loss)).startsWith("ok");
        }
        for (SnapshotManifest stored : archive.list("public", "société")) {
            assertThat(stored.rowCount()).isEqualTo(1000);
            archive.verify(stored);
        }
        recoverAndCopyBack("société");
        if (!loss.startsWith("DROP")) {
            recoverAndCopyBack(KEPT); // lost its rows along with the other
        }
        assertThat(counts()).isEqualTo("1000|1000|1000");
        try (SqlControlStore operators = SqlControlStore.sqlite(control(), Clock.systemUTC())) {
            assertThat(operators.audit().newest(50).stream()
                            .map(record -> record.event().sql()))
                    .as("the text as it was sent")
                    .contains(loss);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TRUNCATE ", "DELETE FROM ", "DROP TABLE "})
    void a_name_that_is_cut_in_another_encoding_is_lost_only_with_a_snapshot(String loss) throws Exception {
        try (Backstop backstop = backstop("")) {
            assertThat(outcome(backstop, loss + LONG)).startsWith("ZB007");
            assertThat(outcome(backstop, loss + '"' + KEPT + '"')).startsWith("ZB007");
        }
        assertThat(counts()).isEqualTo("1000|1000|1000");
    }

    /** Its bytes are the database's own, in which a letter beyond ASCII is one. */
    @Test
    void a_large_row_comes_back_in_the_encoding_of_the_database() throws Exception {
        database.run(
                "DROP TABLE IF EXISTS large",
                "CREATE TABLE large (id int PRIMARY KEY, v text, b bytea)",
                "INSERT INTO large VALUES (1, repeat(E'é\\\\\t', 1000000), decode(repeat('e95c', 600000), 'hex')), (2, 'é', '')");
        String contents = "SELECT id, md5(v), length(v), md5(b) FROM large ORDER BY id";
        List<String> before = database.rows(contents);
        try (Backstop backstop = backstop("")) {
            assertThat(outcome(backstop, "TRUNCATE large")).startsWith("ok");
        }
        recoverAndCopyBack("large");
        assertThat(database.rows(contents)).isEqualTo(before);
    }
}
