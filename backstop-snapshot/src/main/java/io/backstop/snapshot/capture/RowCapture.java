package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.RowQuery;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.snapshot.internal.copy.TableSize;
import io.backstop.snapshot.internal.lock.CapturedTableIds;
import io.backstop.snapshot.internal.lock.LockedRowIdentities;
import io.backstop.snapshot.internal.lock.StaleSnapshotChecks;
import io.backstop.snapshot.internal.lock.TableLocks;
import io.backstop.snapshot.internal.loss.AffectedRowsCheck;
import io.backstop.snapshot.internal.loss.CollateralLossCheck;
import io.backstop.snapshot.internal.reach.BlastRadius;
import io.backstop.snapshot.internal.reach.BlastRadiusResolver;
import io.backstop.snapshot.internal.reach.DeferredTriggers;
import io.backstop.snapshot.internal.reach.RowTargets;
import io.backstop.snapshot.internal.reach.StandaloneObjects;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.CaptureSettings;
import io.backstop.snapshot.internal.session.HelperConnection;
import io.backstop.snapshot.internal.session.Relation;
import io.backstop.snapshot.internal.session.SearchPath;
import io.backstop.snapshot.internal.session.SnapshotVisibility;

import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Saves of one table the rows alone that a statement is about to take, and whole tables where they are taken along by a
 * foreign key. Others may write the rest of the table meanwhile, so the statement may meet other rows than these: which it
 * took is compared afterwards ({@link AffectedRowsCheck}). Used once, by one thread.
 */
final class RowCapture {
    /** Above so many rows a table is rather read as a whole where they are a large part of it. */
    private static final int FEW = 10_000;

    private static final int LARGE_PART = 3;

    private final CallerSession session;
    private final Capture capture;
    private final Duration lockTimeout;
    private final SnapshotRequest request;
    private final Progress progress;
    private final boolean ordinary;

    /** @param ordinary whether it is for an ordinary write, of which nothing else is asked than that its own rows are stored */
    RowCapture(
            CallerSession session,
            Capture capture,
            Duration lockTimeout,
            SnapshotRequest request,
            Progress progress,
            boolean ordinary) {
        this.ordinary = ordinary;
        this.session = session;
        this.capture = capture;
        this.lockTimeout = lockTimeout;
        this.request = request;
        this.progress = progress;
    }

    /** Empty where whole tables have to be saved; the transaction has to be taken back to where it was then. */
    Optional<Saved> save(SnapshotVisibility visibility, RowQuery query, String groupId)
            throws SQLException, IOException, RecoveryNotReadyException {
        SearchPath path = SearchPath.of(session);
        path.useCatalog();
        BlastRadiusResolver resolver = new BlastRadiusResolver(session, path);
        Destruction destruction = request.destructions().get(0);
        Look reached = new Look(resolver, destruction);
        BlastRadius radius = new TableLocks(session, lockTimeout).lock(reached, progress);
        Optional<RowTargets> found = reached.parts;
        // What has to be saved whole is better locked before the transaction sees anything.
        if (found.isEmpty()
                || ((ordinary || visibility == SnapshotVisibility.UNDECIDED) && hasOthers(found.get(), radius))
                || (ordinary && !found.get().isCoverable(session, destruction.kind() == Destruction.Kind.UPDATE))) {
            return Optional.empty();
        }
        RowTargets parts = found.get();
        if (visibility != SnapshotVisibility.CURRENT) {
            new StaleSnapshotChecks(session).requireCurrent(radius);
        }
        if (request.callersTransaction() && !ordinary) {
            DeferredTriggers.refuse(session, radius);
        }
        // Before the query: what a function in it destroys is destroyed by the statement, too.
        Optional<CollateralLossCheck> aftermath = ordinary
                ? Optional.empty()
                : Optional.of(CollateralLossCheck.expect(
                        session,
                        new CapturedTableIds(Set.of(), parts.oids()),
                        visibility != SnapshotVisibility.CURRENT));
        // What stays of rows that were to be deleted would come back a second time.
        boolean exact = query.exact() || destruction.kind() == Destruction.Kind.DELETE;
        AffectedRowsCheck.Before before = AffectedRowsCheck.before(session, parts, parts.relations(radius), exact);
        path.useCallers();
        Optional<LockedRowIdentities> rows = LockedRowIdentities.lock(session, query, parts.oids(), lockTimeout)
                .filter(locked -> !isLargePart(locked, parts.relations(radius)));
        if (rows.isEmpty()) {
            return Optional.empty();
        }
        session.execute("SAVEPOINT backstop_copy");
        CaptureSettings.apply(session);
        List<SnapshotManifest> manifests = copy(parts, radius, rows.get(), groupId);
        session.execute("ROLLBACK TO SAVEPOINT backstop_copy; RELEASE SAVEPOINT backstop_copy");
        return Optional.of(new Saved(
                manifests,
                aftermath.map(look -> look.with(saved(visibility, parts, radius, rows.get()))),
                before.saved(rows.get())));
    }

    private static boolean hasOthers(RowTargets parts, BlastRadius radius) {
        return !parts.others(radius).tables().isEmpty();
    }

    private static boolean isLargePart(LockedRowIdentities rows, List<Relation> relations) {
        long estimated = relations.stream().mapToLong(Relation::estimatedRows).sum();
        return rows.count() > FEW && estimated > 0 && rows.count() > estimated / LARGE_PART;
    }

    /** A statement that finds no row takes none of any other table either, and there is nothing to store. */
    private List<SnapshotManifest> copy(RowTargets parts, BlastRadius radius, LockedRowIdentities rows, String groupId)
            throws SQLException, IOException, RecoveryNotReadyException {
        if (rows.isEmpty()) {
            return List.of();
        }
        BlastRadius others = parts.others(radius);
        TableSize.refuseTooLarge(session, others, parts.relations(radius), rows, request);
        List<Relation> relations = new ArrayList<>(others.relations());
        // The one that is named by all means: it is by its name that somebody will look for the rows.
        parts.relations(radius).stream()
                .filter(relation -> rows.in(relation) || relation.equals(parts.named()))
                .forEach(relations::add);
        List<SnapshotManifest> manifests = capture.copy(
                relations, groupId, HelperConnection.none(), rows.onlyIn(parts.oids()), StandaloneObjects.NONE);
        long stored = manifests.stream()
                .filter(manifest -> manifest.coverage() == SnapshotManifest.Coverage.ROWS)
                .mapToLong(SnapshotManifest::rowCount)
                .sum();
        if (stored != rows.count()) {
            throw new RecoveryNotReadyException(
                    "of the " + rows.count() + " rows of table " + parts.named().name() + " that were locked, " + stored
                            + " could be read; nothing was changed",
                    "run it again, without functions in its WHERE that change rows");
        }
        capture.verify(manifests, groupId);
        return manifests;
    }

    private static CapturedTableIds saved(
            SnapshotVisibility visibility, RowTargets parts, BlastRadius radius, LockedRowIdentities rows) {
        Set<Long> others =
                rows.isEmpty() ? Set.of() : parts.others(radius).tables().keySet();
        if (visibility == SnapshotVisibility.CURRENT) {
            return new CapturedTableIds(others, parts.oids());
        }
        return new CapturedTableIds(
                Set.of(), rows.isEmpty() ? parts.oids() : radius.tables().keySet());
    }

    /** Remembers of the last look where the rows can be told apart. */
    private final class Look implements TableLocks.Look {
        private final BlastRadiusResolver resolver;
        private final Destruction destruction;
        private Optional<RowTargets> parts = Optional.empty();

        Look(BlastRadiusResolver resolver, Destruction destruction) {
            this.resolver = resolver;
            this.destruction = destruction;
        }

        /** Nothing at all where rows cannot be told apart, so that nothing is locked in vain. */
        @Override
        public BlastRadius look() throws SQLException, RecoveryNotReadyException {
            BlastRadius radius = resolver.resolve(request);
            parts = RowTargets.of(session, resolver, destruction, radius);
            return parts.map(found -> found.lockedByRow(radius)).orElse(new BlastRadius(Map.of()));
        }
    }

    /** What is stored, and the two looks before the statement. */
    record Saved(List<SnapshotManifest> manifests, Optional<CollateralLossCheck> aftermath, AffectedRowsCheck taken) {}
}
