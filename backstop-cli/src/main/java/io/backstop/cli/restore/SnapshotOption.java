package io.backstop.cli.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.option.TableNameConverter;
import io.backstop.cli.output.RefusedException;
import io.backstop.recovery.model.TableReference;
import io.backstop.snapshot.archive.SnapshotArchive;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.file.NoSuchFileException;

/** The options that name one snapshot, by its id and, so that a slip does no harm, by its table. */
public final class SnapshotOption {
    @Option(
            names = "--snapshot-id",
            required = true,
            paramLabel = "ID",
            description = "The snapshot, snap_…; `backstop snapshots list` shows them.")
    private String id = "";

    @Option(
            names = "--table",
            required = true,
            paramLabel = "NAME",
            converter = TableNameConverter.class,
            description = "The table that it is a snapshot of: name or schema.name.")
    private TableReference table = new TableNameConverter().convert("-");

    /** The snapshot, if it is one of that table. */
    SnapshotManifest in(SnapshotArchive archive) throws IOException, RefusedException {
        SnapshotManifest manifest = find(id, archive);
        RelationName found = RelationName.of(manifest.schema(), manifest.table());
        if (!table.matches(found)) {
            throw new RefusedException(
                    "snapshot " + id + " is of table " + found + ", not of " + table,
                    "`backstop snapshots list --table " + table + "` shows those of that table");
        }
        return manifest;
    }

    public static SnapshotManifest find(String id, SnapshotArchive archive) throws IOException, RefusedException {
        try {
            return archive.find(id);
        } catch (NoSuchFileException e) {
            throw new RefusedException(
                    "there is no snapshot " + id + " in " + archive.address(),
                    "`backstop snapshots list` shows those that there are");
        }
    }
}
