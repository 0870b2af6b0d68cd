package io.backstop.api.analysis;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

class CommandTagTest {
    @ParameterizedTest
    @EnumSource
    void a_text_leads_back_to_its_tag(CommandTag tag) {
        assertThat(CommandTag.of(tag.text())).contains(tag);
        assertThat(tag.text()).matches("[A-Z]+( [A-Z]+)*");
    }

    @Test
    void no_two_commands_have_the_same_words_also_where_they_are_explained() {
        assertThat(Arrays.stream(CommandTag.values()).flatMap(tag -> Stream.of(tag.text(), tag.explained())))
                .doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "drop table", "DROP_TABLE", " DROP TABLE", "DROP  TABLE", "DROP", "EXPLAIN ANALYZE DELETE"})
    void a_text_that_is_no_tag_leads_to_none(String text) {
        assertThat(CommandTag.of(text)).isEmpty();
    }
}
