package io.backstop.api.snapshot;

import io.backstop.api.error.RecoveryNotReadyException;

import java.util.List;

/** Rows that are safely stored while their transaction still stands. Belongs to one transaction of one connection. */
public interface SecuredRows {
    /** The recovery group, {@code grp_…}. */
    String groupId();

    /** One manifest for each table of the group; empty where the statement takes nothing away. */
    List<SnapshotManifest> manifests();

    /** The storage that holds them, as configured. */
    String storage();

    /**
     * Looks, after the statement ran and before its transaction commits, whether it destroyed rows of any other table
     * than the stored ones: through a trigger, a rule or an object that appeared after the look.
     *
     * @throws RecoveryNotReadyException naming the table; the caller has to roll the statement back
     */
    void confirmNothingElseWasDestroyed() throws RecoveryNotReadyException;
}
