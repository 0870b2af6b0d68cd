package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.internal.copy.TableCopier;
import io.backstop.snapshot.internal.lock.CapturedTableIds;
import io.backstop.snapshot.internal.lock.RowSelection;
import io.backstop.snapshot.internal.loss.CollateralLossCheck;
import io.backstop.snapshot.internal.reach.StandaloneObjects;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.CaptureSettings;
import io.backstop.snapshot.internal.session.HelperConnection;
import io.backstop.snapshot.internal.session.IdGenerator;
import io.backstop.snapshot.internal.session.Relation;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Stores what an undo overwrites, removes and makes, as snapshots of one recovery group, so that it can be undone itself. Works
 * within the undo's own transaction, which no subtransaction of which may write rows, and under its locks: nobody else may
 * write the tables. Used once, by one thread.
 */
public final class UndoSnapshots {
    private final CallerSession session;
    private final SnapshotArchive archive;
    private final SnapshotSettings settings;
    private final String undoOf;
    private final String database;
    private final String operator;
    private final IdGenerator ids = new IdGenerator();
    private final String groupId = ids.groupId();
    private final List<Capture> captures = new ArrayList<>();
    private final CollateralLossCheck aftermath;
    private int stored;

    private UndoSnapshots(
            CallerSession session,
            SnapshotArchive archive,
            SnapshotSettings settings,
            String undoOf,
            String database,
            String operator,
            CollateralLossCheck aftermath) {
        this.session = session;
        this.archive = archive;
        this.settings = settings;
        this.undoOf = undoOf;
        this.database = database;
        this.operator = operator;
        this.aftermath = aftermath;
    }

    /**
     * Looks at all tables of the database, so that {@link #confirmNothingElseWasDestroyed} can tell.
     *
     * @param connection in the undo's transaction, whose tables are locked, and before it changes anything
     * @param undoOf the recovery group that is undone
     * @param database {@code host:port/name}, for the manifests
     * @param operator who undoes it
     * @param tables those that the undo may write to, by oid
     */
    public static UndoSnapshots begin(
            Connection connection,
            SnapshotArchive archive,
            SnapshotSettings settings,
            String undoOf,
            String database,
            String operator,
            Collection<Long> tables)
            throws RecoveryNotReadyException {
        CallerSession session = new CallerSession(connection);
        try {
            return new UndoSnapshots(
                    session,
                    archive,
                    settings,
                    undoOf,
                    database,
                    operator,
                    CollateralLossCheck.expect(session, new CapturedTableIds(Set.of(), Set.copyOf(tables)), false));
        } catch (RecoveryNotReadyException e) {
            throw e; // the answer, which is an SQLException too
        } catch (SQLException e) {
            throw CaptureFailures.reading(e);
        }
    }

    /** The recovery group of its snapshots, {@code grp_…}, which is the name of the undo. */
    public String groupId() {
        return groupId;
    }

    /** Whether a snapshot was stored. */
    public boolean isEmpty() {
        return stored == 0;
    }

    /**
     * Stores and verifies rows of several tables.
     *
     * @param operation what the undo does to them: UPDATE or DELETE, before it does; empty of those that it has made
     * @param conditions which rows of a table, by its oid: SQL that is true of them
     * @throws RecoveryNotReadyException if they could not be stored; the undo has to be rolled back
     */
    public void store(Optional<Destruction.Kind> operation, Map<Long, String> conditions)
            throws RecoveryNotReadyException {
        if (conditions.isEmpty()) {
            return;
        }
        Capture capture = new Capture(
                session,
                archive,
                Provenance.ofUndo(undoOf, database, operator, operation),
                RowEncoding.AUTO,
                Progress.SILENT,
                settings,
                ids,
                TableCopier.CHUNK);
        captures.add(capture);
        try {
            CaptureSettings.apply(session);
            capture.verify(
                    capture.copy(
                            Relation.read(session, conditions.keySet()).values(),
                            groupId,
                            HelperConnection.none(),
                            new Selected(conditions),
                            StandaloneObjects.NONE),
                    groupId);
            stored += conditions.size();
        } catch (RecoveryNotReadyException e) {
            throw e; // the answer, which is an SQLException too
        } catch (SQLException e) {
            throw CaptureFailures.reading(e);
        } catch (IOException e) {
            throw CaptureFailures.storing(archive.address(), e);
        }
    }

    /**
     * To be called after the undo's last change, before its commit: notes by what its rows can be told, and looks whether it
     * changed rows of other tables.
     *
     * @throws RecoveryNotReadyException naming the table; the undo has to be rolled back
     */
    public void confirmNothingElseWasDestroyed() throws RecoveryNotReadyException {
        try {
            aftermath.confirm();
            for (Capture capture : captures) {
                capture.ranAlone();
            }
        } catch (RecoveryNotReadyException e) {
            throw e; // the answer, which is an SQLException too
        } catch (SQLException e) {
            throw CaptureFailures.reading(e);
        }
    }

    /** Marks what is stored as final, once the undo is committed. Never fails, as for a statement. */
    public void committed() {
        captures.forEach(Capture::markCommitted);
    }

    /** Removes what is stored, for an undo that was rolled back. What cannot be removed is added to why. */
    public void discard(Exception why) {
        captures.forEach(capture -> capture.discard(why));
    }

    private record Selected(Map<Long, String> conditions) implements RowSelection {
        @Override
        public boolean only(Relation table) {
            return conditions.containsKey(table.oid());
        }

        @Override
        public List<String> conditions(Relation table) {
            return List.of(conditions.getOrDefault(table.oid(), "false"));
        }
    }
}
