package io.backstop.cli.output;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class PrintableTextTest {
    @Test
    void shows_every_control_character_and_nothing_else_in_another_way() {
        assertThat(PrintableText.line("a\nb\rc\td\u0000e\u001b[31mf\u007fg\u0085h\u009bi\u2028j\u2029k"))
                .isEqualTo("a\\nb\\rc\\td\\u0000e\\u001b[31mf\\u007fg\\u0085h\\u009bi\\u2028j\\u2029k");
        String plain = "\"it's\\here\" – naïve 日本語 😀 $1 …";
        assertThat(PrintableText.line(plain)).isEqualTo(plain);
    }

    @Test
    void a_message_keeps_the_lines_that_are_its_own() {
        String message = "table a\nok snap_1\u001b[0m is gone\nHINT: see\n  Detail: why";
        assertThat(PrintableText.message(message))
                .isEqualTo("table a\\nok snap_1\\u001b[0m is gone\nHINT: see\n  Detail: why");
    }
}
