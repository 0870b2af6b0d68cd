package io.backstop.jdbc.internal.guard;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayInputStream;
import java.io.StringReader;

import static org.assertj.core.api.Assertions.assertThat;

class BoundParametersTest {
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void knows_what_can_be_read_only_once_whether_or_not_it_keeps_hashes(boolean kept) {
        BoundParameters parameters = new BoundParameters(kept);
        assertThat(parameters.repeatable()).isTrue();
        parameters.bind(1, new StringReader("a"));
        parameters.bind("name", new ByteArrayInputStream(new byte[] {1}), 2004);
        parameters.bind(2, 7L);
        assertThat(parameters.repeatable()).isFalse();
        parameters.bind(1, 7L);
        assertThat(parameters.repeatable()).isFalse();
        parameters.bind("name", (Object) null);
        assertThat(parameters.repeatable()).isTrue();
        parameters.bind(3, new StringReader("a"));
        parameters.clear();
        assertThat(parameters.repeatable()).isTrue();
    }
}
