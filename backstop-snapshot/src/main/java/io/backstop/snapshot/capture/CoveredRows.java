package io.backstop.snapshot.capture;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.RowMismatch;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;

import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The rows of a statement that inserts: those that it may change, stored before it, and those that it has made, stored
 * afterwards, in one recovery group. Belongs to one transaction of one connection.
 */
final class CoveredRows implements SecuredRows {
    private final Optional<PostgresSecuredRows> changed;
    private final InsertCapture insert;
    private Optional<PostgresSecuredRows> made = Optional.empty();

    /** @param changed empty where it changes none that is there */
    CoveredRows(Optional<PostgresSecuredRows> changed, InsertCapture insert) {
        this.changed = changed;
        this.insert = insert;
    }

    private List<PostgresSecuredRows> parts() {
        return Stream.concat(changed.stream(), made.stream()).toList();
    }

    @Override
    public boolean storeInserted() throws SQLException {
        Optional<Optional<PostgresSecuredRows>> told = insert.store();
        made = told.orElse(Optional.empty());
        return told.isPresent();
    }

    @Override
    public String groupId() {
        return insert.groupId();
    }

    @Override
    public List<SnapshotManifest> manifests() {
        return parts().stream().flatMap(part -> part.manifests().stream()).toList();
    }

    @Override
    public String storage() {
        return insert.storage();
    }

    @Override
    public Optional<RowMismatch> otherRowsTaken() throws RecoveryNotReadyException {
        return changed.isPresent() ? changed.get().otherRowsTaken() : Optional.empty();
    }

    @Override
    public void alsoChanged(Collection<String> tables) {
        parts().forEach(part -> part.alsoChanged(tables));
    }

    @Override
    public void confirmNothingElseWasDestroyed() throws RecoveryNotReadyException {
        for (PostgresSecuredRows part : parts()) {
            part.confirmNothingElseWasDestroyed();
        }
    }

    @Override
    public void discard(Exception why) {
        parts().forEach(part -> part.discard(why));
    }

    @Override
    public void committed() {
        parts().forEach(PostgresSecuredRows::committed);
    }
}
