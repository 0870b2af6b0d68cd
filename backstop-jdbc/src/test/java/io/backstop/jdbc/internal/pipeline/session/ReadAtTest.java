package io.backstop.jdbc.internal.pipeline.session;

import io.backstop.jdbc.control.SettableClock;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.time.Instant;

import static org.assertj.core.api.Assertions.assertThat;

class ReadAtTest {
    private static final Duration HALF_A_MINUTE = Duration.ofSeconds(30);

    private final SettableClock clock = new SettableClock(Instant.parse("2026-01-01T00:00:00Z"));

    @Test
    void it_is_young_for_as_long_as_asked() {
        ReadAt read = ReadAt.now(clock);
        assertThat(read.isWithin(HALF_A_MINUTE, clock)).isTrue();
        clock.advance(Duration.ofSeconds(29));
        assertThat(read.isWithin(HALF_A_MINUTE, clock)).isTrue();
        clock.advance(Duration.ofSeconds(1));
        assertThat(read.isWithin(HALF_A_MINUTE, clock)).isFalse();
    }

    @Test
    void a_clock_that_is_set_back_makes_nothing_young() {
        ReadAt read = ReadAt.now(clock);
        clock.advance(Duration.ofHours(-1));
        assertThat(read.isWithin(HALF_A_MINUTE, clock)).isFalse();
    }

    @Test
    void time_that_has_gone_by_counts_though_the_clock_stands() {
        ReadAt read = new ReadAt(clock.millis(), System.nanoTime() - HALF_A_MINUTE.toNanos());
        assertThat(read.isWithin(HALF_A_MINUTE, clock)).isFalse();
    }
}
