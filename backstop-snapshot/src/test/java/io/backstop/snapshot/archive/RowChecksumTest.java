package io.backstop.snapshot.archive;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

import static org.assertj.core.api.Assertions.assertThat;

class RowChecksumTest {
    @Test
    void no_rows_have_the_checksum_of_zeroes() {
        assertThat(new RowChecksum().hex()).isEqualTo("0".repeat(32));
    }

    @Test
    void one_row_has_half_of_its_sha_256() {
        // printf 'abc' | sha256sum
        assertThat(of(List.of("abc"))).isEqualTo("ba7816bf8f01cfea414140de5dae2223");
    }

    @Property(tries = 200)
    void is_the_sum_of_the_rows_hashes(@ForAll @Size(max = 50) List<String> rows) throws Exception {
        BigInteger sum = BigInteger.ZERO;
        for (String row : rows) {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(row.getBytes(StandardCharsets.UTF_8));
            sum = sum.add(new BigInteger(1, Arrays.copyOf(hash, 16)));
        }
        String expected = String.format("%032x", sum.mod(BigInteger.ONE.shiftLeft(128)));
        assertThat(of(rows)).isEqualTo(expected);
    }

    @Property(tries = 100)
    void does_not_depend_on_the_order_or_on_how_rows_are_split(
            @ForAll @Size(max = 50) List<String> rows, @ForAll long seed) {
        List<String> shuffled = new ArrayList<>(rows);
        Collections.shuffle(shuffled, new Random(seed));
        RowChecksum first = new RowChecksum();
        RowChecksum second = new RowChecksum();
        shuffled.forEach(row -> add(Math.floorMod(row.hashCode(), 2) == 0 ? first : second, row));
        first.add(second);
        assertThat(first.hex()).isEqualTo(of(rows));
    }

    @Test
    void counts_equal_rows_as_often_as_they_occur() {
        assertThat(of(List.of("a", "a"))).isNotEqualTo(of(List.of("a"))).isNotEqualTo(of(List.of("b", "b")));
    }

    private static String of(List<String> rows) {
        RowChecksum checksum = new RowChecksum();
        rows.forEach(row -> add(checksum, row));
        return checksum.hex();
    }

    private static void add(RowChecksum checksum, String row) {
        byte[] bytes = ("<" + row + ">").getBytes(StandardCharsets.UTF_8);
        checksum.add(bytes, 1, bytes.length - 2);
    }
}
