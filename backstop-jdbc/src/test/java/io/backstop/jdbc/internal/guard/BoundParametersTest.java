package io.backstop.jdbc.internal.guard;

import io.backstop.jdbc.internal.digest.Sha256Digest;
import org.junit.jupiter.api.Test;
import org.postgresql.util.PGobject;

import java.io.ByteArrayInputStream;
import java.io.StringReader;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.util.Calendar;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TimeZone;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class BoundParametersTest {
    private static String hash(BoundParameters parameters) {
        MessageDigest digest = Sha256Digest.start();
        assertThat(parameters.bound(false).update(digest)).isTrue();
        return HexFormat.of().formatHex(digest.digest());
    }

    private static boolean complete(BoundParameters parameters, boolean asBatch) {
        return parameters.bound(asBatch).update(Sha256Digest.start());
    }

    private static String hash(Consumer<BoundParameters> binding) {
        BoundParameters parameters = new BoundParameters(() -> "");
        binding.accept(parameters);
        return hash(parameters);
    }

    @Test
    void knows_what_can_be_read_only_once() {
        BoundParameters parameters = new BoundParameters(() -> "");
        assertThat(parameters.repeatable()).isTrue();
        parameters.bind(1, new StringReader("a"));
        parameters.bind("name", new ByteArrayInputStream(new byte[] {1}), 2004);
        parameters.bind(2, 7L);
        assertThat(parameters.repeatable()).isFalse();
        assertThat(complete(parameters, false)).isFalse();
        parameters.bind(1, 7L);
        assertThat(parameters.repeatable()).isFalse();
        parameters.bind("name", (Object) null);
        assertThat(parameters.repeatable()).isTrue();
        assertThat(complete(parameters, false)).isTrue();
        parameters.bind(3, new StringReader("a"));
        parameters.clear();
        assertThat(parameters.repeatable()).isTrue();
    }

    @Test
    void equal_values_have_equal_hashes_and_others_have_others() {
        String seven = hash(parameters -> parameters.bind(1, 7L));
        assertThat(hash(parameters -> parameters.bind(1, 7L))).isEqualTo(seven);
        assertThat(hash(parameters -> parameters.bind(1, 8L))).isNotEqualTo(seven);
        assertThat(hash(parameters -> parameters.bind(2, 7L))).isNotEqualTo(seven);
        assertThat(hash(parameters -> parameters.bind(1, 7, 4))).isNotEqualTo(seven);
        assertThat(hash(parameters -> parameters.bind(1, "7"))).isNotEqualTo(seven);
        // The type of a parameter decides which function is called, or which operator.
        assertThat(hash(parameters -> parameters.bind(1, 7))).isNotEqualTo(seven);
        assertThat(hash(parameters -> parameters.bind(1, new BigDecimal("7")))).isNotEqualTo(seven);
    }

    @Test
    void values_that_look_alike_have_other_hashes() throws SQLException {
        PGobject object = new PGobject();
        object.setType("text");
        object.setValue("a");
        List<Object> values = List.of(
                new String[] {"a, b"},
                new String[] {"a", "b"},
                new String[] {"null"},
                new String[] {null},
                new String[] {"1"},
                new Integer[] {1},
                new int[] {1},
                Map.of("a", "1, b=2"),
                Map.of("a", "1", "b", "2"),
                "a",
                object,
                "text\0a".getBytes(StandardCharsets.UTF_8));
        List<String> hashes = values.stream()
                .map(value -> hash(parameters -> parameters.bind(1, value)))
                .toList();
        assertThat(hashes).doesNotHaveDuplicates();
        assertThat(hash(parameters -> parameters.bind(1, 4.5, "2 1")))
                .isNotEqualTo(hash(parameters -> parameters.bind(1, 4.5, "2 0")));
        assertThat(hash(parameters -> parameters.bind(1, null, 4)))
                .isNotEqualTo(hash(parameters -> parameters.bind(1, null, -5)));
    }

    @Test
    void bytes_that_are_changed_after_they_were_bound_are_hashed_as_they_were() {
        byte[] bytes = {1};
        BoundParameters parameters = new BoundParameters(() -> "");
        parameters.bind(1, bytes);
        String before = hash(parameters);
        bytes[0] = 2;
        assertThat(hash(parameters)).isEqualTo(before);
    }

    @Test
    void a_value_that_is_changed_after_it_was_bound_is_hashed_as_it_was() throws SQLException {
        Timestamp time = new Timestamp(1_000);
        PGobject object = new PGobject();
        object.setType("jsonb");
        object.setValue("{}");
        StringBuilder text = new StringBuilder("a");
        BoundParameters parameters = new BoundParameters(() -> "");
        parameters.bind(1, time);
        parameters.bind(2, object);
        parameters.bind(3, text);
        String before = hash(parameters);
        time.setTime(2_000);
        object.setValue("[]");
        text.append('b');
        assertThat(hash(parameters)).isEqualTo(before);
    }

    @Test
    void of_a_calendar_the_zone_counts_and_not_the_time_at_which_it_was_made() {
        Calendar utc = Calendar.getInstance(TimeZone.getTimeZone("UTC"));
        Calendar later = Calendar.getInstance(TimeZone.getTimeZone("UTC"));
        later.setTimeInMillis(utc.getTimeInMillis() + 5_000);
        Calendar elsewhere = Calendar.getInstance(TimeZone.getTimeZone("Asia/Tokyo"));
        Timestamp time = new Timestamp(1_000);
        String hash = hash(parameters -> parameters.bind(1, time, utc));
        assertThat(hash(parameters -> parameters.bind(1, time, later))).isEqualTo(hash);
        assertThat(hash(parameters -> parameters.bind(1, time, elsewhere))).isNotEqualTo(hash);
    }

    @Test
    void a_time_is_another_in_another_zone_of_the_process() {
        TimeZone before = TimeZone.getDefault();
        try {
            TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
            String hash = hash(parameters -> parameters.bind(1, new Timestamp(1_000)));
            TimeZone.setDefault(TimeZone.getTimeZone("Asia/Tokyo"));
            assertThat(hash(parameters -> parameters.bind(1, new Timestamp(1_000))))
                    .isNotEqualTo(hash);
        } finally {
            TimeZone.setDefault(before);
        }
    }

    @Test
    void what_the_driver_has_not_taken_cannot_be_approved() {
        BoundParameters parameters = new BoundParameters(() -> "");
        parameters.bind(1, 15);
        parameters.bind(1, 1, 4);
        parameters.failed();
        assertThat(complete(parameters, false)).isFalse();
        parameters.bind(1, 1);
        assertThat(complete(parameters, false)).isTrue();
    }

    @Test
    void what_is_read_for_a_value_cannot_bind_another() {
        AtomicInteger failures = new AtomicInteger();
        StatementUse use = new StatementUse(failures::incrementAndGet);
        assertThatThrownBy(() -> use.change(() -> use.change(() -> {})))
                .isInstanceOf(SQLException.class)
                .extracting(e -> ((SQLException) e).getSQLState())
                .isEqualTo("55000");
        assertThat(failures).hasValue(1);
        assertThatCode(() -> use.change(() -> {})).doesNotThrowAnyException();
    }

    @Test
    void a_batch_is_hashed_row_by_row() {
        BoundParameters parameters = new BoundParameters(() -> "");
        parameters.bind(1, 1L);
        parameters.addBatch();
        parameters.bind(1, new StringReader("a"));
        parameters.addBatch();
        assertThat(complete(parameters, true)).isFalse();
        parameters.clearBatch();
        assertThat(complete(parameters, true)).isTrue();
    }

    @Test
    void what_the_driver_will_send_is_part_of_the_hash() {
        BoundParameters sent = new BoundParameters(() -> "one");
        BoundParameters another = new BoundParameters(() -> "two");
        sent.bind(1, "a");
        another.bind(1, "a");
        assertThat(hash(another)).isNotEqualTo(hash(sent));
        BoundParameters untold = new BoundParameters(() -> {
            throw new SQLException("closed");
        });
        assertThat(complete(untold, false)).isFalse();
    }

    @Test
    void a_value_that_the_driver_refused_cannot_be_named() {
        BoundParameters parameters = new BoundParameters(() -> "");
        parameters.bind(1, "a");
        parameters.bind(2, "b");
        parameters.failed();
        assertThat(complete(parameters, false)).isFalse();
        parameters.bind(2, "b");
        assertThat(complete(parameters, false)).isTrue();
        parameters.bind("name", "c");
        parameters.failed();
        assertThat(complete(parameters, false)).isFalse();
        parameters.clear();
        parameters.failed();
        assertThat(complete(parameters, false)).isTrue();
    }
}
