package io.backstop.cli.keys;

import io.backstop.cli.option.StorageOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.snapshot.archive.WrappedKeys;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.key.KeyProviders;
import io.backstop.snapshot.store.ObjectStore;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.util.concurrent.Callable;

/** {@code backstop keys rotate}. */
@Command(
        name = "rotate",
        description = {
            "Wraps the data keys of all snapshots under --key anew under --new-key. No row is read or written.",
            "Let the applications use the new key first. Stopped at any moment, all snapshots can be read with the old key"
                    + " or all with the new one; run it again to finish."
        },
        mixinStandardHelpOptions = true)
final class KeysRotateCommand implements Callable<Integer> {
    @Mixin
    private final StorageOption storage = new StorageOption();

    @Option(names = "--new-key", required = true, paramLabel = "KEY", description = "The new key, as --key takes it.")
    private String newKey = "";

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Override
    public Integer call() throws IOException, RefusedException {
        KeyProvider from = storage.key()
                .orElseThrow(() -> new RefusedException("no key is named", "name it with --key, or set BACKSTOP_KEY"));
        KeyProvider to = KeyProviders.open(newKey);
        try (ObjectStore store = storage.openExisting()) {
            int snapshots = new WrappedKeys(store).rotate(from, to);
            if (report.asJson()) {
                report.json(new Rotated(from.id(), to.id(), snapshots));
            } else {
                report.line(snapshots + (snapshots == 1 ? " snapshot is" : " snapshots are") + " under the key "
                        + to.id() + " now, in place of " + from.id());
            }
        }
        return ExitCode.DONE;
    }

    /** For programs. */
    private record Rotated(String oldKeyId, String newKeyId, int snapshots) {}
}
