package io.backstop.snapshot.capture;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;

import java.util.Optional;

/**
 * How a snapshot comes about, as its manifest will tell it.
 *
 * @param database {@code host:port/name}
 */
record Provenance(
        SnapshotManifest.Source source,
        String database,
        Optional<String> statementSha256,
        Optional<String> approvalId,
        Optional<String> agentId) {

    static Provenance of(SnapshotRequest request) {
        return new Provenance(
                SnapshotManifest.Source.INLINE,
                request.database(),
                Optional.of(request.statementSha256()),
                request.approvalId(),
                Optional.of(request.agentId()));
    }
}
