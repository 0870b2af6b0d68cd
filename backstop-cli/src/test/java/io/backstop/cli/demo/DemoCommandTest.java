package io.backstop.cli.demo;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.cli.CommandRun;
import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

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

    @Test
    void what_a_kept_demo_prints_can_be_run() throws Exception {
        CommandRun demo = CommandRun.of("demo", "--keep");
        assertThat(demo.exitCode()).as(demo.output() + demo.errors()).isZero();
        Path folder = Path.of(printed(demo, "remove:").substring("rm -r ".length()));
        try {
            String waiting = held(printed(demo, "guarded:"));
            assertThat(backstop(printed(demo, "control:")).output()).contains(waiting);
            assertThat(backstop(printed(demo, "approve:").replace(" ID ", " " + waiting + " "))
                            .exitCode())
                    .isZero();
            assertThat(backstop(printed(demo, "store:")).output()).contains("public.users");
        } finally {
            stop(folder.resolve("postgres").resolve("postmaster.pid"));
            DemoCommand.delete(folder);
        }
    }

    private static String printed(CommandRun demo, String label) {
        return demo.output()
                .lines()
                .map(String::strip)
                .filter(line -> line.startsWith(label))
                .map(line -> line.substring(label.length()).strip())
                .findFirst()
                .orElseThrow(() -> new AssertionError("no line " + label + " in " + demo.output()));
    }

    private static CommandRun backstop(String line) {
        return CommandRun.of(line.substring("backstop ".length()).split(" "));
    }

    private static String held(String url) throws SQLException {
        try (Connection agent = DriverManager.getConnection(url);
                Statement statement = agent.createStatement()) {
            return assertThatExceptionOfType(ApprovalRequiredException.class)
                    .isThrownBy(() -> statement.execute("TRUNCATE order_items"))
                    .actual()
                    .approvalId();
        }
    }

    private static void stop(Path pidFile) throws Exception {
        long pid = Long.parseLong(Files.readAllLines(pidFile).get(0));
        ProcessHandle server = ProcessHandle.of(pid).orElseThrow();
        server.destroy();
        server.onExit().get(1, TimeUnit.MINUTES);
    }
}
