package io.backstop.cli.restore;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.store.ObjectStore;
import picocli.CommandLine.Option;

import java.util.Optional;

/** The option that lets a snapshot without authentication be restored although there is a key. */
public final class AuthenticityOption {
    @Option(
            names = "--accept-unauthenticated",
            description =
                    "With a key: restore a snapshot that is not authenticated too. A writer of the storage may have"
                            + " made it, and a restore runs its definitions.")
    private boolean accepted;

    public SnapshotArchive archive(ObjectStore store, Optional<KeyProvider> key) {
        return new SnapshotArchive(store, key, accepted);
    }

    /** What the operator has to know of a snapshot that no key vouches for. */
    static Optional<String> note(SnapshotArchive archive, SnapshotManifest manifest) {
        return archive.isAuthenticated(manifest)
                ? Optional.empty()
                : Optional.of("note: snapshot " + manifest.snapshotId()
                        + " is not authenticated: a writer of the storage may have changed its rows and definitions");
    }
}
