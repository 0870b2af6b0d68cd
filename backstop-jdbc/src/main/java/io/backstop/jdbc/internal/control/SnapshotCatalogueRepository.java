package io.backstop.jdbc.internal.control;

import io.backstop.api.control.SnapshotCatalogue;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.snapshot.SnapshotManifest;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.util.ArrayList;
import java.util.List;

/** The catalogue of snapshots as a table of manifests. Thread-safe. */
public final class SnapshotCatalogueRepository implements SnapshotCatalogue {
    private final ControlDatabase database;

    public SnapshotCatalogueRepository(ControlDatabase database) {
        this.database = database;
    }

    @Override
    public void add(SnapshotManifest manifest, String storage) throws ControlStoreUnavailableException {
        database.perform(connection -> {
            try (PreparedStatement insert = connection.prepareStatement(
                    "INSERT INTO snapshots (snapshot_id, created_at, storage, manifest, format_version)"
                            + " VALUES (?, ?, ?, ?, ?) ON CONFLICT (snapshot_id) DO UPDATE SET"
                            + " created_at = excluded.created_at, storage = excluded.storage,"
                            + " manifest = excluded.manifest, format_version = excluded.format_version")) {
                insert.setString(1, manifest.snapshotId());
                insert.setLong(2, manifest.createdAt().toEpochMilli());
                insert.setString(3, storage);
                insert.setString(4, ControlJson.write(manifest));
                insert.setInt(5, manifest.formatVersion());
                insert.executeUpdate();
            }
        });
    }

    @Override
    public List<Entry> newest(int limit) throws ControlStoreUnavailableException {
        return database.read(connection -> {
            List<Entry> entries = new ArrayList<>();
            try (PreparedStatement select = connection.prepareStatement("SELECT manifest, storage FROM snapshots"
                    + " WHERE format_version IN (?, ?) ORDER BY created_at DESC, "
                    + database.dialect().insertionOrder() + " DESC LIMIT ?")) {
                select.setInt(1, SnapshotManifest.FORMAT_VERSION); // others cannot be read, here or in the storage
                select.setInt(2, SnapshotManifest.ENCRYPTED_FORMAT_VERSION);
                select.setInt(3, limit);
                try (ResultSet rows = select.executeQuery()) {
                    while (rows.next()) {
                        entries.add(new Entry(
                                ControlJson.read(rows.getString(1), SnapshotManifest.class), rows.getString(2)));
                    }
                }
            }
            return entries;
        });
    }
}
