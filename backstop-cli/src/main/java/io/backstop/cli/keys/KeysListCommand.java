package io.backstop.cli.keys;

import io.backstop.cli.option.StorageOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.snapshot.archive.WrappedKeys;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.store.ObjectStore;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

/** {@code backstop keys list}. */
@Command(
        name = "list",
        description = "Lists the ids of the keys that the snapshots of a storage need, and how many need each.",
        mixinStandardHelpOptions = true)
final class KeysListCommand implements Callable<Integer> {
    @Mixin
    private final StorageOption storage = new StorageOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Override
    public Integer call() throws IOException {
        Optional<String> given = storage.key().map(KeyProvider::id);
        try (ObjectStore store = storage.openExisting()) {
            List<Needed> needed = new WrappedKeys(store)
                    .counts().entrySet().stream()
                            .map(key -> new Needed(
                                    key.getKey(),
                                    key.getValue(),
                                    given.filter(key.getKey()::equals).isPresent()))
                            .toList();
            if (report.asJson()) {
                report.json(needed);
            } else {
                report.table(
                        List.of("key", "snapshots", "given"),
                        needed.stream()
                                .map(key -> List.of(
                                        key.keyId(), String.valueOf(key.snapshots()), key.given() ? "yes" : "no"))
                                .toList(),
                        "no snapshot in " + store.address() + " is encrypted");
            }
        }
        return ExitCode.DONE;
    }

    /** A key, for programs. */
    private record Needed(String keyId, int snapshots, boolean given) {}
}
