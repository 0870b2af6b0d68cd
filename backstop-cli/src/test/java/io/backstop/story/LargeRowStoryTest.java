package io.backstop.story;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Chunk;
import io.backstop.jdbc.Backstop;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;

/** Rows that no chunk holds are stored and brought back as any other. */
class LargeRowStoryTest extends GuardedStory {
    /** Some 10 MB that do not compress: more than a chunk. */
    private static final String BYTES =
            "(SELECT string_agg(sha512(i::text::bytea), '') FROM generate_series(1, 150000) i)";

    private static final String CONTENTS =
            "SELECT tableoid::regclass, id, md5(v), length(v), md5(o::text), k FROM large ORDER BY id";

    private void fill() throws SQLException {
        database.run(
                "CREATE TABLE large (id int PRIMARY KEY, v bytea, o int[], k int)",
                "INSERT INTO large SELECT i, ('small' || i)::bytea, ARRAY[i], i FROM generate_series(1, 50) i",
                "INSERT INTO large SELECT 51, " + BYTES + ", '{}', 51",
                "INSERT INTO large SELECT i, ('small' || i)::bytea, ARRAY[i], i FROM generate_series(52, 99) i");
    }

    /** None is longer than the buffers that are used again. */
    private void assertIsInSeveralChunks(SnapshotManifest stored) throws IOException {
        assertThat(stored.chunks()).allMatch(chunk -> chunk.bytes() < (8 << 20) + (512 << 10));
        assertThat(stored.chunks()).anyMatch(Chunk::continued);
        assertThat(Chunk.streams(stored.chunks())).hasSize(1);
        assertThat(new String(archive.script(stored), StandardCharsets.UTF_8))
                .contains("FROM PROGRAM 'zstd -dc "
                        + stored.chunks().stream().map(Chunk::name).collect(Collectors.joining(" ")) + "'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"DROP TABLE large", "DELETE FROM large"})
    void a_large_row_among_small_ones_comes_back(String loss) throws Exception {
        fill();
        database.run("ALTER TABLE large ENABLE ROW LEVEL SECURITY", "CREATE POLICY few ON large USING (id < 10)");
        List<String> before = database.rows(CONTENTS);
        try (Backstop backstop = backstop("")) {
            assertThat(outcome(backstop, loss)).startsWith("ok");
        }
        assertIsInSeveralChunks(archive.list("public", "large").get(0));
        recoverAndCopyBack("large");
        assertThat(database.rows(CONTENTS)).isEqualTo(before);
    }

    @Test
    void an_update_of_a_large_row_is_undone_and_that_again() throws Exception {
        fill();
        List<String> before = database.rows(CONTENTS);
        try (Backstop backstop = backstop("\"cover_writes\": \"updates_and_deletes\"");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            assertThat(outcome(statement, "UPDATE large SET v = v || '\\x01' WHERE id = 51"))
                    .isEqualTo("ok 1");
            List<String> after = database.rows(CONTENTS);
            assertIsInSeveralChunks(archive.list("public", "large").get(0));
            String change = Backstop.lastChange(connection).orElseThrow();
            assertThat(undo(change)).isZero();
            assertThat(database.rows(CONTENTS)).isEqualTo(before);
            String undo = archive.list().stream()
                    .filter(SnapshotManifest::belongsToUndo)
                    .findFirst()
                    .orElseThrow()
                    .groupId();
            assertThat(undo(undo)).isZero();
            assertThat(database.rows(CONTENTS)).isEqualTo(after);
        }
    }

    private int undo(String change) {
        return command("undo", change, "--control", control().toString(), "--as", "olga")
                .exitCode();
    }

    @Test
    void a_large_row_of_a_partition_comes_back() throws Exception {
        database.run("CREATE TABLE large (id int PRIMARY KEY, v bytea, o int[], k int) PARTITION BY RANGE (id)");
        database.run(
                "CREATE TABLE low PARTITION OF large FOR VALUES FROM (1) TO (50)",
                "CREATE TABLE high PARTITION OF large FOR VALUES FROM (50) TO (200)",
                "INSERT INTO large SELECT i, ('small' || i)::bytea, ARRAY[i], i FROM generate_series(1, 99) i WHERE i <> 51",
                "INSERT INTO large SELECT 51, " + BYTES + ", '{}', 51");
        List<String> before = database.rows(CONTENTS);
        try (Backstop backstop = backstop("")) {
            assertThat(outcome(backstop, "TRUNCATE large")).startsWith("ok");
        }
        recoverAndCopyBack("large");
        assertThat(database.rows(CONTENTS)).isEqualTo(before);
    }

    /** One row to a page, so that two connections read it. */
    @Test
    void two_connections_read_large_rows_in_their_own_parts_of_the_table() throws Exception {
        database.run(
                "CREATE TABLE large (id int PRIMARY KEY, v bytea, o int[], k int) WITH (fillfactor = 10)",
                "INSERT INTO large SELECT i, repeat(md5(i::text), 30)::bytea, '{}', i FROM generate_series(1, 9000) i",
                "UPDATE large SET v = " + BYTES + " WHERE id IN (1, 8900)");
        List<String> before = database.rows(CONTENTS);
        assertThat(command("snapshots", "create", "--table", "large").exitCode())
                .isZero();
        SnapshotManifest stored = archive.list("public", "large").get(0);
        assertThat(stored.rowCount()).isEqualTo(9000);
        assertThat(stored.chunks().stream().filter(Chunk::continued).count()).isGreaterThanOrEqualTo(2);
        database.run("DROP TABLE large");
        recoverAndCopyBack("large");
        assertThat(database.rows(CONTENTS)).isEqualTo(before);
    }
}
