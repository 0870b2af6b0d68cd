package io.backstop.api.snapshot;

import io.backstop.api.error.RecoveryNotReadyException;

import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * Rows that are stored and verified while their transaction is still open. Belongs to one transaction of one
 * connection.
 */
public interface SecuredRows {
    /** The recovery group, {@code grp_…}. */
    String groupId();

    /** One manifest for each table of the group; empty where the statement takes nothing away. */
    List<SnapshotManifest> manifests();

    /** The storage that holds them, as configured. */
    String storage();

    /**
     * Looks, after the statement ran and before its transaction commits, whether of a table whose rows were saved one by one
     * it took exactly those. A statement of which this is not true has to be rolled back.
     *
     * @return empty where it took exactly the saved ones, or where whole tables are saved
     * @throws RecoveryNotReadyException if this cannot be found out; the caller has to roll the statement back
     */
    default Optional<RowMismatch> otherRowsTaken() throws RecoveryNotReadyException {
        return Optional.empty();
    }

    /**
     * Stores the rows that the statement has inserted, when it has run and before its transaction commits, where it was covered
     * as one that inserts. They are among {@link #manifests} then.
     *
     * @return false where it has inserted rows that cannot be told one by one: it may be kept, but not what is stored of it
     * @throws RecoveryNotReadyException if they could not be stored; the caller has to roll the statement back
     * @throws SQLException as the server said it; the transaction has failed
     */
    default boolean storeInserted() throws SQLException {
        return true;
    }

    /**
     * Notes tables of which the statement changed rows that are not stored, through a trigger or a rule: an undo names them.
     * To be called before {@link #committed}.
     */
    default void alsoChanged(Collection<String> tables) {}

    /** How many rows are in no snapshot, because they were written since; empty where the snapshots were just taken. */
    default Optional<RowsSince> rowsSince() {
        return Optional.empty();
    }

    /**
     * Removes what is stored, for a statement that was rolled back. What cannot be removed is added to why.
     *
     * @param why what made it useless
     */
    default void discard(Exception why) {}

    /**
     * Marks what is stored as final, once the server is known to have committed the statement. Never fails: what could not
     * be marked stays undecided, and the server can be asked about it later.
     */
    default void committed() {}

    /**
     * Looks, after the statement ran and before its transaction commits, whether it destroyed rows of any other table
     * than the stored ones: through a trigger, a rule or an object that appeared after the look.
     *
     * @throws RecoveryNotReadyException naming the table; the caller has to roll the statement back
     */
    void confirmNothingElseWasDestroyed() throws RecoveryNotReadyException;
}
