package io.backstop.snapshot.capture;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.archive.SnapshotDraft;
import io.backstop.snapshot.schema.RebuildScript;
import io.backstop.snapshot.schema.TableDescriber;
import io.backstop.snapshot.schema.TableDescription;

import java.io.IOException;
import java.sql.SQLException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Copies locked tables into snapshots of one group: describe, copy, publish, verify. Until all of it is done the drafts
 * can be discarded. Used once, by one thread.
 */
final class Capture {
    private final Session session;
    private final SnapshotArchive archive;
    private final SnapshotRequest request;
    private final Progress progress;
    private final Clock clock;
    private final Identifiers identifiers;
    private final int chunkBytes;
    private final List<SnapshotDraft> drafts = new ArrayList<>();

    Capture(
            Session session,
            SnapshotArchive archive,
            SnapshotRequest request,
            Progress progress,
            Clock clock,
            Identifiers identifiers,
            int chunkBytes) {
        this.chunkBytes = chunkBytes;
        this.session = session;
        this.archive = archive;
        this.request = request;
        this.progress = progress;
        this.clock = clock;
        this.identifiers = identifiers;
    }

    List<SnapshotManifest> copy(BlastRadius radius, String groupId)
            throws SQLException, IOException, RecoveryNotReadyException {
        checkSize(radius);
        Map<Long, TableDescription> descriptions = new TableDescriber()
                .describe(session.connection(), radius.tables().keySet());
        Origin origin = Origin.read(session);
        List<Prepared> prepared = new ArrayList<>();
        try (Uploads uploads = new Uploads()) {
            TableCopier copier = new TableCopier(session, uploads, progress, chunkBytes);
            for (Relation relation : radius.relations()) {
                prepared.add(copy(relation, description(descriptions, relation), copier, origin, groupId));
            }
        }
        List<SnapshotManifest> manifests = new ArrayList<>();
        for (Prepared snapshot : prepared) {
            snapshot.draft().publish(snapshot.manifest());
            manifests.add(snapshot.manifest());
            progress.reached(Progress.Step.PUBLISHED, subject(snapshot.manifest()), 0, 0);
        }
        return List.copyOf(manifests);
    }

    private void checkSize(BlastRadius radius) throws SQLException, RecoveryNotReadyException {
        long bytes = Long.parseLong(session.value("SELECT coalesce(sum(pg_table_size(o)), 0)::int8 FROM unnest("
                + Session.array(radius.tables().keySet()) + ") o"));
        if (bytes > request.maxBytes()) {
            throw new RecoveryNotReadyException(
                    "the tables that the statement reaches (" + names(radius) + ") take " + bytes
                            + " bytes on disk, more than the " + request.maxBytes() + " that may be saved inline",
                    "raise max_inline_snapshot_bytes in the policy, or save the tables beforehand with backstop "
                            + "snapshots create");
        }
    }

    private static String names(BlastRadius radius) {
        List<String> names = radius.relations().stream()
                .map(relation -> relation.name().toString())
                .toList();
        return names.size() <= 3 ? String.join(", ", names) : names.get(0) + " and " + (names.size() - 1) + " more";
    }

    private Prepared copy(
            Relation relation, TableDescription description, TableCopier copier, Origin origin, String groupId)
            throws SQLException, IOException {
        progress.reached(Progress.Step.DESCRIBED, relation.name().toString(), 0, 0);
        SnapshotDraft draft = archive.begin(description.schema(), description.name(), identifiers.snapshot());
        drafts.add(draft);
        TableCopier.Copied copied = copier.copy(relation, description, draft);
        List<SnapshotManifest.Column> columns = TableCopier.columns(description);
        String script = RebuildScript.of(
                description,
                columns.stream().map(SnapshotManifest.Column::name).toList(),
                copied.chunks().stream().map(SnapshotManifest.Chunk::name).toList());
        SnapshotManifest manifest = new SnapshotManifest(
                SnapshotManifest.FORMAT_VERSION,
                draft.snapshotId(),
                groupId,
                description.schema(),
                description.name(),
                columns,
                copied.rows(),
                copied.checksum(),
                "text",
                "zstd",
                copied.chunks(),
                draft.putDescription(description),
                draft.putScript(script),
                clock.instant(),
                SnapshotManifest.Source.INLINE,
                Optional.of(request.statementSha256()),
                request.approvalId(),
                Optional.of(request.agentId()),
                request.database(),
                origin.serverVersion(),
                origin.lsn(),
                "complete");
        progress.reached(Progress.Step.COPIED, relation.name().toString(), 0, 0);
        return new Prepared(draft, manifest);
    }

    /** Reads back everything that was published. */
    void verify(List<SnapshotManifest> manifests, String operation) throws IOException {
        for (SnapshotManifest manifest : manifests) {
            archive.verify(manifest);
        }
        progress.reached(Progress.Step.VERIFIED, operation, 0, 0);
    }

    /** Removes what was stored for a statement that will not run. What cannot be removed is told with the failure. */
    void discard(Exception failure) {
        for (SnapshotDraft draft : drafts) {
            try {
                draft.discard();
            } catch (IOException | RuntimeException e) {
                failure.addSuppressed(e);
            }
        }
    }

    private static TableDescription description(Map<Long, TableDescription> descriptions, Relation relation)
            throws RecoveryNotReadyException {
        TableDescription description = descriptions.get(relation.oid());
        if (description == null) {
            throw new RecoveryNotReadyException(
                    "table " + relation.name() + " is not in the catalog any more", "run the statement again");
        }
        return description;
    }

    private static String subject(SnapshotManifest manifest) {
        return manifest.schema() + "." + manifest.table();
    }

    private record Prepared(SnapshotDraft draft, SnapshotManifest manifest) {}

    private record Origin(String serverVersion, String lsn) {
        static Origin read(Session session) throws SQLException {
            return session.rows(
                            "SELECT current_setting('server_version'), (CASE WHEN pg_is_in_recovery() "
                                    + "THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END)::text",
                            row -> new Origin(row.getString(1), row.getString(2)))
                    .get(0);
        }
    }
}
