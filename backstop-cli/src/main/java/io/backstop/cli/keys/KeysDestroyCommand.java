package io.backstop.cli.keys;

import io.backstop.api.audit.AuditEvent;
import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.cli.option.ControlOption;
import io.backstop.cli.option.OperatorOption;
import io.backstop.cli.option.StorageOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.snapshot.archive.WrappedKeys;
import io.backstop.snapshot.key.KeyFile;
import io.backstop.snapshot.store.ObjectStore;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

/** {@code backstop keys destroy}. */
@Command(
        name = "destroy",
        description = {
            "Erases the snapshots of a storage that are encrypted under a key: removes their data keys and the key file.",
            "Copies of the key file, and older versions that the storage keeps, are not reached."
        },
        mixinStandardHelpOptions = true)
final class KeysDestroyCommand implements Callable<Integer> {
    @Mixin
    private final StorageOption storage = new StorageOption();

    @Option(names = "--key-file", required = true, paramLabel = "FILE", description = "The file of the key to destroy.")
    private Path file = Path.of("");

    @Option(
            names = "--confirm",
            paramLabel = "ID",
            description = "The id of that key; without it, the command only says what it would erase.")
    private @Nullable String confirmed;

    @Mixin
    private final ControlOption control = new ControlOption();

    @Mixin
    private final OperatorOption operator = new OperatorOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Override
    public Integer call() throws IOException, RefusedException, ControlStoreUnavailableException {
        String id = KeyFile.open(file).id();
        try (ObjectStore store = storage.openExisting()) {
            WrappedKeys keys = new WrappedKeys(store);
            int snapshots = keys.counts().getOrDefault(id, 0);
            if (!id.equals(confirmed)) {
                throw new RefusedException(
                        "destroying the key " + id + " would erase " + snapshots
                                + (snapshots == 1 ? " snapshot" : " snapshots") + " in " + store.address(),
                        "to erase them for good, repeat the command with --confirm " + id);
            }
            try (ControlStore audit = control.openExisting()) {
                record(audit, "destroy key", id + ": erases " + snapshots + " snapshots in " + store.address());
                int erased = keys.erase(id);
                Files.delete(file);
                record(audit, "key destroyed", id + ": " + erased + " data keys in " + store.address());
                if (report.asJson()) {
                    report.json(new Destroyed(id, snapshots));
                } else {
                    report.line("destroyed the key " + id + "; " + snapshots
                            + (snapshots == 1 ? " snapshot is erased" : " snapshots are erased"));
                }
            }
        }
        return ExitCode.DONE;
    }

    private void record(ControlStore store, String act, String detail) throws ControlStoreUnavailableException {
        store.audit()
                .append(List.of(AuditEvent.ofOperator(
                        Instant.now(), operator.name(), "", act, List.of(), detail, Optional.empty())));
    }

    /** For programs. */
    private record Destroyed(String keyId, int snapshots) {}
}
