package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
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
 * @param alone whether there is a statement, and its transaction has no other
 * @param rows what it is of, where not all rows of a table are copied
 * @param undoOf the recovery group that is undone, where it is of an undo
 */
record Provenance(
        SnapshotManifest.Source source,
        String database,
        Optional<String> statementSha256,
        Optional<String> approvalId,
        Optional<String> agentId,
        Optional<Destruction.Kind> operation,
        boolean ownTransaction,
        boolean alone,
        Coverage rows,
        Optional<String> undoOf) {
    /** Of a snapshot that is taken for no statement. */
    static Provenance ofNone(SnapshotManifest.Source source, String database) {
        return new Provenance(
                source,
                database,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                false,
                false,
                Coverage.ROWS,
                Optional.empty());
    }

    /**
     * Of rows that an undo changes or makes, in a transaction of its own.
     *
     * @param operation what it takes away; empty of what it makes
     */
    static Provenance ofUndo(String undoOf, String database, String operator, Optional<Destruction.Kind> operation) {
        return new Provenance(
                SnapshotManifest.Source.INLINE,
                database,
                Optional.empty(),
                Optional.empty(),
                Optional.of(operator),
                operation,
                true,
                true,
                operation.isPresent() ? Coverage.ROWS : Coverage.MADE,
                Optional.of(undoOf));
    }

    static Provenance of(SnapshotRequest request) {
        return of(request, !request.callersTransaction());
    }

    /** Of single rows: the statement runs behind the savepoint to which it is undone where it takes others. */
    static Provenance ofRows(SnapshotRequest request) {
        return of(request, false);
    }

    /** Whether it is for an undo alone, so that nobody will make the table again by it. */
    boolean servesUndoAlone() {
        return undoOf.isPresent() || source == SnapshotManifest.Source.WRITE;
    }

    /** Of rows that an ordinary write is about to change. */
    static Provenance ofWrite(SnapshotRequest request) {
        return of(SnapshotManifest.Source.WRITE, request, false);
    }

    /** Of rows that an ordinary statement has inserted. */
    static Provenance ofInserted(SnapshotRequest request) {
        return new Provenance(
                SnapshotManifest.Source.WRITE,
                request.database(),
                Optional.of(request.statementSha256()),
                request.approvalId(),
                Optional.of(request.agentId()),
                Optional.empty(),
                false,
                !request.callersTransaction(),
                Coverage.MADE,
                Optional.empty());
    }

    private static Provenance of(SnapshotRequest request, boolean ownTransaction) {
        return of(SnapshotManifest.Source.INLINE, request, ownTransaction);
    }

    private static Provenance of(SnapshotManifest.Source source, SnapshotRequest request, boolean ownTransaction) {
        return new Provenance(
                source,
                request.database(),
                Optional.of(request.statementSha256()),
                request.approvalId(),
                Optional.of(request.agentId()),
                operation(request),
                ownTransaction,
                !request.callersTransaction(),
                Coverage.ROWS,
                Optional.empty());
    }

    /** A statement may take rows in more than one way. */
    private static Optional<Destruction.Kind> operation(SnapshotRequest request) {
        Set<Destruction.Kind> kinds =
                request.destructions().stream().map(Destruction::kind).collect(Collectors.toSet());
        return kinds.size() == 1 ? kinds.stream().findFirst() : Optional.empty();
    }
}
