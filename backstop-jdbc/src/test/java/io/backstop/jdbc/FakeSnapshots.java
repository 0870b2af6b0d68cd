package io.backstop.jdbc;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotService;

import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A snapshot service that stores nothing, remembers what it was asked for, and fails where a test says so. */
class FakeSnapshots implements SnapshotService {
    final List<SnapshotRequest> requests = new ArrayList<>();
    int discarded;
    int committed;
    List<SnapshotManifest> manifests = List.of();
    boolean failsBefore;
    boolean findsMoreDestroyed;
    Optional<RuntimeException> breaksBefore = Optional.empty();
    Optional<RuntimeException> breaksAfter = Optional.empty();

    @Override
    public void probe() {}

    @Override
    public SecuredRows secure(Connection connection, Connections more, SnapshotRequest request, Progress progress)
            throws RecoveryNotReadyException {
        requests.add(request);
        if (breaksBefore.isPresent()) {
            throw breaksBefore.get();
        }
        if (failsBefore) {
            throw new RecoveryNotReadyException("the storage is away", "look for it");
        }
        return new SecuredRows() {
            @Override
            public String groupId() {
                return "grp_fake";
            }

            @Override
            public List<SnapshotManifest> manifests() {
                return manifests;
            }

            @Override
            public String storage() {
                return "fake";
            }

            @Override
            public void discard(Exception why) {
                discarded++;
            }

            @Override
            public void committed() {
                committed++;
            }

            @Override
            public void confirmNothingElseWasDestroyed() throws RecoveryNotReadyException {
                if (breaksAfter.isPresent()) {
                    throw breaksAfter.get();
                }
                if (findsMoreDestroyed) {
                    throw new RecoveryNotReadyException("more was destroyed than is stored", "look at the triggers");
                }
            }
        };
    }

    @Override
    public void close() {}
}
