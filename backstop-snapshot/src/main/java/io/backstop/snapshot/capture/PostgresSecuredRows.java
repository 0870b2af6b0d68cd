package io.backstop.snapshot.capture;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.RowMismatch;
import io.backstop.api.snapshot.RowsSince;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.internal.loss.AffectedRowsCheck;
import io.backstop.snapshot.internal.loss.CollateralLossCheck;
import io.backstop.snapshot.internal.loss.DefinitionLossCheck;
import io.backstop.snapshot.internal.session.CallerSession;

import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * The rows saved for one statement, and the checks afterwards.
 *
 * @param aftermath where rows of other tables must not go
 * @param definitions where definitions go that the statement does not name
 * @param taken where rows were saved one by one
 * @param rowsSince where snapshots were taken beforehand
 * @param capture what stored it
 */
record PostgresSecuredRows(
        String groupId,
        List<SnapshotManifest> manifests,
        String storage,
        Optional<CollateralLossCheck> aftermath,
        Optional<DefinitionLossCheck> definitions,
        Optional<AffectedRowsCheck> taken,
        Optional<RowsSince> rowsSince,
        Capture capture)
        implements SecuredRows {
    @Override
    public Optional<RowMismatch> otherRowsTaken() throws RecoveryNotReadyException {
        try {
            return taken.isPresent() ? taken.get().compare() : Optional.empty();
        } catch (SQLException e) {
            throw new RecoveryNotReadyException(
                    "it could not be told which rows the statement took: " + CallerSession.reason(e),
                    "run it again when the reason is gone",
                    e);
        }
    }

    @Override
    public void discard(Exception why) {
        capture.discard(why);
    }

    @Override
    public void alsoChanged(Collection<String> tables) {
        capture.alsoChanged(tables);
    }

    @Override
    public void committed() {
        capture.markCommitted();
    }

    @Override
    public void confirmNothingElseWasDestroyed() throws RecoveryNotReadyException {
        try {
            if (definitions.isPresent()) {
                definitions.get().confirm();
            }
            if (aftermath.isPresent()) {
                aftermath.get().confirm();
            }
            capture.statementRan();
        } catch (RecoveryNotReadyException e) {
            throw e; // the answer, which is an SQLException too
        } catch (SQLException e) {
            throw new RecoveryNotReadyException(
                    "it could not be told what else the statement destroyed: " + CallerSession.reason(e),
                    "run it again when the reason is gone",
                    e);
        }
    }
}
