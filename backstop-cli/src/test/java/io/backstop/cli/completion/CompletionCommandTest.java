package io.backstop.cli.completion;

import io.backstop.cli.CommandRun;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

import static org.assertj.core.api.Assertions.assertThat;

class CompletionCommandTest {
    /** What bash offers for the words, after it has read the script. */
    private static String completed(Path script, String... words) throws IOException, InterruptedException {
        StringBuilder line = new StringBuilder("source " + script + "; COMP_WORDS=(backstop");
        for (String word : words) {
            line.append(" '").append(word).append('\'');
        }
        line.append("); COMP_CWORD=").append(words.length);
        line.append("; COMP_LINE='backstop ").append(String.join(" ", words)).append('\'');
        line.append("; _complete_backstop; echo \"${COMPREPLY[@]}\"");
        Process bash = new ProcessBuilder("bash", "-c", line.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(bash.waitFor()).as(output).isZero();
        return output;
    }

    @Test
    void bash_completes_commands_and_options(@TempDir Path folder) throws Exception {
        CommandRun run = CommandRun.of("completion");
        assertThat(run.exitCode()).isZero();
        Path script = Files.writeString(folder.resolve("backstop"), run.output());
        assertThat(completed(script, "rest").trim().split(" "))
                .contains("restore", "restore-validate", "restore-copyback-plan");
        assertThat(completed(script, "approvals", "").trim().split(" ")).contains("list", "approve", "deny");
        assertThat(completed(script, "restore", "--dr")).contains("--dry-run");
    }
}
