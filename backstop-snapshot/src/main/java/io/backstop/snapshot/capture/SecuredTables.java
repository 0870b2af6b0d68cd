package io.backstop.snapshot.capture;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;

import java.sql.SQLException;
import java.util.List;

/** What was saved for one statement, and the look afterwards. */
record SecuredTables(String groupId, List<SnapshotManifest> manifests, String storage, Aftermath aftermath)
        implements SecuredRows {
    @Override
    public void confirmNothingElseWasDestroyed() throws RecoveryNotReadyException {
        try {
            aftermath.confirm();
        } catch (RecoveryNotReadyException e) {
            throw e; // the answer, which is an SQLException too
        } catch (SQLException e) {
            throw new RecoveryNotReadyException(
                    "it could not be told what else the statement destroyed: " + Session.reason(e),
                    "run it again when the reason is gone",
                    e);
        }
    }
}
