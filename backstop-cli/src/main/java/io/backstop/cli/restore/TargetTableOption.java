package io.backstop.cli.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.Restore;
import io.backstop.recovery.model.TableReference;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The option that names the restored table. */
final class TargetTableOption {
    @Option(
            names = "--target-table",
            paramLabel = "NAME",
            converter = NewTableNameConverter.class,
            description = "The restored table: name or schema.name [TABLE_recovered, in the snapshot's schema].")
    private @Nullable TableReference name;

    /** With its schema: that of the default target, where none is named. */
    RelationName of(SnapshotManifest manifest) {
        return name == null ? Restore.defaultTarget(manifest) : Restore.target(manifest, name.name());
    }
}
