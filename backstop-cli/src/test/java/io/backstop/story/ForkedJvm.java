package io.backstop.story;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Another process with this one's class path, which can be killed. */
final class ForkedJvm {
    private ForkedJvm() {}

    /** Its error output is this process's. */
    static Process start(Class<?> program, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                program.getName()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }
}
