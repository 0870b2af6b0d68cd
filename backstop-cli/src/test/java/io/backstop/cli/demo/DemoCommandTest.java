package io.backstop.cli.demo;

import io.backstop.cli.CommandRun;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class DemoCommandTest {
    @Test
    void the_demo_holds_from_beginning_to_end() {
        CommandRun demo = CommandRun.of("demo");
        assertThat(demo.exitCode()).as(demo.output() + demo.errors()).isZero();
        assertThat(demo.output())
                .contains("20000 users, 120000 orders")
                .contains("refused with ZB001")
                .contains("held with ZB002")
                .contains("Lost and brought back")
                .contains("every row and every constraint is as it was");
    }
}
