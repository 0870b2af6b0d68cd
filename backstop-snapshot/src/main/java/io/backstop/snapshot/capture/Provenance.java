package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;

import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * How a snapshot comes about, as its manifest will tell it.
 *
 * @param database {@code host:port/name}
 * @param operation what the statement takes away, where that is of one kind
 * @param ownTransaction whether there is a statement, and it runs in no subtransaction
 */
record Provenance(
        SnapshotManifest.Source source,
        String database,
        Optional<String> statementSha256,
        Optional<String> approvalId,
        Optional<String> agentId,
        Optional<Destruction.Kind> operation,
        boolean ownTransaction) {

    static Provenance of(SnapshotRequest request) {
        return of(request, !request.callersTransaction());
    }

    /** Of single rows: the statement runs behind the savepoint to which it is undone where it takes others. */
    static Provenance ofRows(SnapshotRequest request) {
        return of(request, false);
    }

    private static Provenance of(SnapshotRequest request, boolean ownTransaction) {
        return new Provenance(
                SnapshotManifest.Source.INLINE,
                request.database(),
                Optional.of(request.statementSha256()),
                request.approvalId(),
                Optional.of(request.agentId()),
                operation(request),
                ownTransaction);
    }

    /** A statement may take rows in more than one way. */
    private static Optional<Destruction.Kind> operation(SnapshotRequest request) {
        Set<Destruction.Kind> kinds =
                request.destructions().stream().map(Destruction::kind).collect(Collectors.toSet());
        return kinds.size() == 1 ? kinds.stream().findFirst() : Optional.empty();
    }
}
