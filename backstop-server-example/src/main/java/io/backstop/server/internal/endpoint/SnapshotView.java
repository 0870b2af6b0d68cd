package io.backstop.server.internal.endpoint;

import io.backstop.api.snapshot.SnapshotManifest;

import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A snapshot as answers show it: its manifest without the chunks, whose list grows with the table. Immutable,
 * thread-safe.
 */
public record SnapshotView(
        String snapshotId,
        String groupId,
        String schema,
        String table,
        List<SnapshotManifest.Column> columns,
        long rowCount,
        long storedBytes,
        Instant createdAt,
        String source,
        Optional<String> agentId,
        Optional<String> approvalId,
        Optional<String> statementSha256,
        String database,
        String serverVersion,
        String lsn,
        String status) {
    static SnapshotView of(SnapshotManifest manifest) {
        return new SnapshotView(
                manifest.snapshotId(),
                manifest.groupId(),
                manifest.schema(),
                manifest.table(),
                manifest.columns(),
                manifest.rowCount(),
                manifest.storedBytes(),
                manifest.createdAt(),
                manifest.source().name().toLowerCase(Locale.ROOT), // as the manifest itself writes it
                manifest.agentId(),
                manifest.approvalId(),
                manifest.statementSha256(),
                manifest.database(),
                manifest.serverVersion(),
                manifest.lsn(),
                manifest.status());
    }
}
