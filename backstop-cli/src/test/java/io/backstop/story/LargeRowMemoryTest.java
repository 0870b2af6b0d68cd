package io.backstop.story;

import io.backstop.cli.BackstopCommand;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** A process of 96 MB brings rows away and back that are larger than it. */
class LargeRowMemoryTest extends GuardedStory {
    private static final List<String> LITTLE = List.of("-Xmx96m");

    /** How large a value is. */
    private static final long BYTES = Long.getLong("backstop.test.large.megabytes", 100) * 1_000_000;

    /** Of the elements of a jsonb, however long its text is (jsonb.h, {@code JENTRY_OFFLENMASK}). */
    private static final long LONGEST_JSONB = 250_000_000;

    private static final String DIGEST = "SELECT id, twice, md5(t), md5(b), md5(j::text), md5(array_to_string(a, ',')),"
            + " length(t), length(b) FROM large ORDER BY id";

    private void make() throws SQLException {
        database.run(
                "CREATE TABLE large (id int PRIMARY KEY, t text, b bytea, j jsonb, a text[],"
                        + " twice int GENERATED ALWAYS AS (id * 2) STORED)",
                "INSERT INTO large SELECT i, 'small', '\\x00', '{}', '{}' FROM generate_series(1, 100) i");
    }

    private List<String> digest() throws SQLException {
        return database.rows(DIGEST);
    }

    private String inLittleMemory(Class<?> program, String... arguments) throws Exception {
        List<String> options = new ArrayList<>(LITTLE);
        if (program.equals(BackstopCommand.class)) {
            options.add("-XX:+UseSerialGC"); // as the command's script asks for
        }
        Process process = ForkedJvm.startWith(options, program, arguments);
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    private void loseAndRecover(String loss) throws Exception {
        List<String> before = digest();
        assertThat(inLittleMemory(
                        LargeRowSite.class, database.url(), storage(), control().toString(), loss))
                .startsWith("ok");
        List<String> recover = new ArrayList<>(List.of("recover", "--table", "large"));
        recover.addAll(List.of("--db", database.url().replaceFirst("^jdbc:", ""), "--storage", storage()));
        database.run(inLittleMemory(BackstopCommand.class, recover.toArray(String[]::new)));
        assertThat(digest()).isEqualTo(before);
    }

    @Test
    void a_large_value_of_each_type_and_a_row_of_several_come_back() throws Exception {
        make();
        database.run(
                "INSERT INTO large (id, t) VALUES (1001, repeat('text \\ ', " + BYTES / 7 + "))",
                // Does not compress.
                "INSERT INTO large (id, b) SELECT 1002, string_agg(sha512(i::text::bytea), '') FROM generate_series(1, "
                        + BYTES / 64 + ") i",
                "INSERT INTO large (id, j) VALUES (1003, jsonb_build_object('a', repeat('json\"', "
                        + Math.min(BYTES, LONGEST_JSONB) / 6 + ")))",
                "INSERT INTO large (id, a) VALUES (1004, array_fill(repeat('array,', 1000), ARRAY[" + BYTES / 6000
                        + "]))",
                "INSERT INTO large SELECT 1005, repeat('t', " + BYTES / 3 + "), repeat('b', " + BYTES / 3
                        + ")::bytea, to_jsonb(repeat('j', " + Math.min(BYTES, LONGEST_JSONB) / 3
                        + ")), ARRAY[repeat('a', "
                        + BYTES / 3 + ")]");
        loseAndRecover("DROP TABLE large");
    }

    /** The longest that a row with its key can be made of. */
    @Test
    @EnabledIfSystemProperty(named = "backstop.test.every", matches = "1")
    void the_longest_values_come_back() throws Exception {
        make();
        long longest = 0x3fff_ffffL - 300;
        database.run(
                "INSERT INTO large (id, t) VALUES (1001, repeat('t', " + longest + "))",
                "INSERT INTO large (id, b) SELECT 1002, convert_to(t, 'UTF8') FROM large WHERE id = 1001",
                "INSERT INTO large (id, j) VALUES (1003, to_jsonb(repeat('j', 268435440)))",
                "INSERT INTO large (id, a) VALUES (1004, ARRAY[repeat('a', 500000000), repeat('b', 500000000)])");
        loseAndRecover("TRUNCATE large");
    }
}
