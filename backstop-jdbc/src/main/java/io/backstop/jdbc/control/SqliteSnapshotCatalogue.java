package io.backstop.jdbc.control;

import io.backstop.api.control.SnapshotCatalogue;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.snapshot.SnapshotManifest;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.util.ArrayList;
import java.util.List;

/** The catalogue as a table of manifests. */
final class SqliteSnapshotCatalogue implements SnapshotCatalogue {
    private final SqliteDatabase database;

    SqliteSnapshotCatalogue(SqliteDatabase database) {
        this.database = database;
    }

    @Override
    public void add(SnapshotManifest manifest, String storage) throws ControlStoreUnavailableException {
        database.perform(connection -> {
            try (PreparedStatement insert = connection.prepareStatement(
                    "INSERT OR REPLACE INTO snapshots (snapshot_id, created_at, storage, manifest) VALUES (?, ?, ?, ?)")) {
                insert.setString(1, manifest.snapshotId());
                insert.setLong(2, manifest.createdAt().toEpochMilli());
                insert.setString(3, storage);
                insert.setString(4, ControlJson.write(manifest));
                insert.executeUpdate();
            }
        });
    }

    @Override
    public List<Entry> newest(int limit) throws ControlStoreUnavailableException {
        return database.read(connection -> {
            List<Entry> entries = new ArrayList<>();
            try (PreparedStatement select = connection.prepareStatement(
                    "SELECT manifest, storage FROM snapshots WHERE json_extract(manifest, '$.format_version') = ?"
                            + " ORDER BY created_at DESC, rowid DESC LIMIT ?")) {
                select.setInt(1, SnapshotManifest.FORMAT_VERSION); // others cannot be read, here or in the storage
                select.setInt(2, limit);
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
