package io.backstop.cli.snapshots;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.cli.option.DatabaseOption;
import io.backstop.cli.option.StorageOption;
import io.backstop.cli.option.TableNameConverter;
import io.backstop.cli.output.TerminalProgressBar;
import io.backstop.recovery.model.TableReference;
import io.backstop.snapshot.capture.RowEncoding;
import io.backstop.snapshot.capture.TableSnapshots;
import io.backstop.snapshot.store.ObjectStore;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.util.List;

/** The options that say which tables are stored, and how. */
final class CaptureOptions {
    @Mixin
    private final DatabaseOption database = new DatabaseOption();

    @Option(
            names = "--table",
            required = true,
            arity = "1..*",
            paramLabel = "NAME",
            converter = TableNameConverter.class,
            description = "The tables: name or schema.name.")
    private List<TableReference> tables = List.of();

    @Option(names = "--schema", paramLabel = "NAME", description = "Where those are that are named without one.")
    private @Nullable String schema;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            defaultValue = "auto",
            description = "auto: binary where that means the same elsewhere; text: larger and slower, and readable by"
                    + " every version of PostgreSQL [${DEFAULT-VALUE}].")
    private RowEncoding format = RowEncoding.AUTO;

    @Option(
            names = "--environment",
            paramLabel = "NAME",
            description = "As backstop.environment names it to the driver, if it does.")
    private @Nullable String environment;

    @Option(
            names = "--cluster-id",
            paramLabel = "NAME",
            description = "As backstop.clusterId names it to the driver, if it does.")
    private @Nullable String clusterId;

    /** Stores them all as they are at one moment. */
    List<SnapshotManifest> take(StorageOption storage, SnapshotManifest.Source source)
            throws IOException, SQLException, RecoveryNotReadyException {
        try (ObjectStore store = storage.open();
                TerminalProgressBar bar = TerminalProgressBar.ofRows()) {
            SnapshotSettings settings =
                    new SnapshotSettings(storage.address(), SnapshotSettings.DEFAULT_LOCK_TIMEOUT, Clock.systemUTC());
            return new TableSnapshots(store, settings, storage.key())
                    .take(
                            database.address().connections(),
                            tables.stream().map(this::named).toList(),
                            format,
                            source,
                            databaseName(),
                            (step, subject, done, total) -> {
                                if (step == Progress.Step.COPYING) {
                                    bar.show(subject, done, total);
                                }
                            });
        }
    }

    private RelationName named(TableReference table) {
        RelationName name = table.name();
        return schema == null || name.schema().isPresent() ? name : RelationName.of(schema, name.name());
    }

    /** As the driver writes it into its own manifests, so that both are known as snapshots of one table. */
    String databaseName() throws SQLException {
        try (Connection connection = database.address().connect()) {
            String server = clusterId == null ? database.address().hostAndPort() : clusterId;
            return (environment == null ? "" : environment + "/") + server + "/" + connection.getCatalog();
        }
    }
}
