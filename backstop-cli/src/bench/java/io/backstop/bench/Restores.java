package io.backstop.bench;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.Restore;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RowVerification;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Restores the newest snapshots of all tables of a storage together, their rows counted, as {@code backstop restore} does
 * for one. Arguments: database, storage.
 */
public final class Restores {
    private Restores() {}

    public static void main(String[] args) throws Exception {
        try (ObjectStore store = ObjectStores.open(args[1]);
                Connection connection = DriverManager.getConnection(args[0])) {
            SnapshotArchive archive = new SnapshotArchive(store);
            Map<SnapshotManifest, RelationName> targets = new LinkedHashMap<>();
            for (SnapshotManifest manifest : archive.list()) {
                RelationName target = RelationName.of(manifest.schema(), manifest.table() + "_recovered");
                if (!targets.containsValue(target)) {
                    targets.put(manifest, target);
                }
            }
            new Restore(archive, () -> Optional.of(DriverManager.getConnection(args[0])), RowVerification.COUNTS)
                    .restoreTogether(connection, targets, RestoreProgress.SILENT);
        }
    }
}
