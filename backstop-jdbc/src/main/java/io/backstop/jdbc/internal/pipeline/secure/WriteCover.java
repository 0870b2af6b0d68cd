package io.backstop.jdbc.internal.pipeline.secure;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.control.SnapshotCatalogue;
import io.backstop.api.snapshot.InsertedValues;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.RowMismatch;
import io.backstop.api.snapshot.RowQuery;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotService;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.BeforeImages;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;

import java.sql.SQLException;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Has the rows stored that an ordinary write is about to change, and when it has run, those that it has made. Where they cannot
 * be told, or it keeps changing others, it runs uncovered; where they cannot be stored, it does not run, or is undone. Used for
 * one write, in its session's turn.
 */
public final class WriteCover implements BeforeImages {
    private final SnapshotService service;
    private final SnapshotCatalogue catalogue;
    private final Progress progress;
    private final GuardedSession session;
    private final ReviewedStatement statement;
    private final Optional<RowQuery> changed;
    private final Optional<InsertedValues> inserted;
    private int tries;
    private Optional<SecuredRows> stored = Optional.empty();
    private boolean kept;

    WriteCover(
            SnapshotService service,
            SnapshotCatalogue catalogue,
            Progress progress,
            GuardedSession session,
            ReviewedStatement statement,
            Optional<RowQuery> changed,
            Optional<InsertedValues> inserted) {
        this.service = service;
        this.catalogue = catalogue;
        this.progress = progress;
        this.session = session;
        this.statement = statement;
        this.changed = changed;
        this.inserted = inserted;
    }

    @Override
    public boolean wanted() {
        return tries < SecuredExecution.ROW_TRIES;
    }

    @Override
    public boolean store(boolean ownTransaction) throws SQLException {
        tries++;
        SnapshotRequest request = new SnapshotRequest(
                statement.assessment().destructions(),
                List.of(),
                Long.MAX_VALUE,
                Optional.empty(),
                session.database(),
                session.agentId(),
                statement.sha256().orElse(""),
                Optional.empty(),
                !ownTransaction);
        try {
            stored = service.cover(session.connection(), request, changed, inserted, progress);
        } catch (RuntimeException e) {
            throw SecuredExecution.broken(e);
        }
        if (stored.isEmpty()) {
            tries = SecuredExecution.ROW_TRIES;
        }
        return stored.isPresent();
    }

    @Override
    public boolean areExact() throws SQLException {
        Optional<RowMismatch> other = stored.orElseThrow().otherRowsTaken();
        if (other.filter(RowMismatch::byOthers).isPresent()) {
            tries = SecuredExecution.ROW_TRIES; // it would be the same again
        }
        return other.isEmpty();
    }

    @Override
    public void keeping(boolean ownTransaction, Collection<RelationName> tables) throws SQLException {
        if (stored.isEmpty() || !hasStoredInserted(stored.get())) {
            discard(new SQLException("the rows that the write has inserted cannot be told"));
            return;
        }
        SecuredRows rows = stored.get();
        if (rows.manifests().isEmpty()) {
            return;
        }
        Set<RelationName> others = new HashSet<>(tables);
        rows.manifests().forEach(manifest -> others.remove(RelationName.of(manifest.schema(), manifest.table())));
        try {
            rows.alsoChanged(others.stream().map(RelationName::toString).toList());
            rows.confirmNothingElseWasDestroyed();
            for (SnapshotManifest manifest : rows.manifests()) {
                catalogue.add(manifest, rows.storage());
            }
        } catch (RuntimeException e) {
            throw SecuredExecution.broken(e);
        }
        if (!ownTransaction) {
            session.uncommitted().add(rows);
        }
    }

    private static boolean hasStoredInserted(SecuredRows rows) throws SQLException {
        try {
            return rows.storeInserted();
        } catch (RuntimeException e) {
            throw SecuredExecution.broken(e);
        }
    }

    @Override
    public void kept(boolean ownTransaction) {
        kept = stored.isPresent() && !stored.get().manifests().isEmpty();
        if (kept && ownTransaction) {
            stored.get().committed();
        }
    }

    @Override
    public void discard(Exception why) {
        stored.ifPresent(rows -> rows.discard(why));
        stored = Optional.empty();
    }

    /** What is stored of a write that is kept; empty where it is not covered, or changed no row. */
    public Optional<SecuredRows> rows() {
        return stored.filter(rows -> kept);
    }
}
