package io.backstop.cli.keys;

import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.snapshot.key.KeyFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;

/** {@code backstop keys create}. */
@Command(
        name = "create",
        description = {
            "Makes a file with a new key, which its owner alone may read. A file that exists is never written over.",
            "Keep a copy elsewhere: without the key, no snapshot that is encrypted under it can be read."
        },
        mixinStandardHelpOptions = true)
final class KeysCreateCommand implements Callable<Integer> {
    @Option(names = "--key-file", required = true, paramLabel = "FILE", description = "The file to make.")
    private Path file = Path.of("");

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Override
    public Integer call() throws IOException {
        KeyFile key = KeyFile.create(file);
        if (report.asJson()) {
            report.json(new Created(key.id(), file.toString()));
        } else {
            report.line("made the key " + key.id() + " in " + file
                    + "; keep a copy elsewhere, without it its snapshots cannot be read");
        }
        return ExitCode.DONE;
    }

    /** For programs. */
    private record Created(String keyId, String file) {}
}
