package io.backstop.cli.snapshots;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class DurationConverterTest {
    @ParameterizedTest
    @CsvSource({
        "90s, PT90S, 90s",
        "120s, PT2M, 2m",
        "45m, PT45M, 45m",
        "12h, PT12H, 12h",
        "30d, P30D, 30d",
        "8w, P56D, 56d",
        "P1DT1H, PT25H, 25h",
        "0s, PT0S, 0s",
        "36500d, P36500D, 36500d"
    })
    void a_time_is_read_and_written(String typed, String duration, String words) {
        assertThat(new DurationConverter().convert(typed)).isEqualTo(java.time.Duration.parse(duration));
        assertThat(DurationConverter.words(new DurationConverter().convert(typed)))
                .isEqualTo(words);
        assertThat(new DurationConverter().convert(words)).isEqualTo(new DurationConverter().convert(typed));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "30", "d", "-1d", "PT-1S", "1y", "36501d", "9999999999d", "30 d"})
    void anything_else_is_a_usage_error(String typed) {
        assertThatThrownBy(() -> new DurationConverter().convert(typed)).isInstanceOf(TypeConversionException.class);
    }

    @Test
    void the_message_says_what_is_read() {
        assertThatThrownBy(() -> new DurationConverter().convert("30"))
                .hasMessage("\"30\" is not a time such as 90s, 45m, 12h, 30d, 8w or P30D");
    }
}
