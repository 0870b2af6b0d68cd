package io.backstop.snapshot.retention;

import com.github.luben.zstd.Zstd;
import io.backstop.api.snapshot.ServerIdentity;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.archive.SnapshotDraft;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.store.ObjectStore;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Puts snapshots into a store by the archive's own means, as old and of what table a test wants them. */
final class StoredSnapshots {
    static final TableDescription DESCRIPTION = new TableDescription(
            "public",
            "users",
            "owner",
            false,
            List.of(),
            Optional.empty(),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            List.of(),
            Optional.empty(),
            List.of());

    private StoredSnapshots() {}

    static SnapshotManifest publish(ObjectStore store, Wanted wanted) throws IOException {
        SnapshotDraft draft = new SnapshotArchive(store).begin("public", wanted.table(), wanted.id());
        SnapshotManifest manifest = manifest(draft, wanted);
        draft.publish(manifest);
        return manifest;
    }

    /** What somebody leaves behind who dies before the manifest. */
    static SnapshotDraft begin(ObjectStore store, Wanted wanted) throws IOException {
        SnapshotDraft draft = new SnapshotArchive(store).begin("public", wanted.table(), wanted.id());
        manifest(draft, wanted);
        return draft;
    }

    static SnapshotManifest manifest(SnapshotDraft draft, Wanted wanted) throws IOException {
        byte[] rows = Zstd.compress("1\n2\n".getBytes(StandardCharsets.UTF_8));
        return new SnapshotManifest(
                SnapshotManifest.FORMAT_VERSION,
                wanted.id(),
                "grp_1",
                "public",
                wanted.table(),
                List.of(new SnapshotManifest.Column("id", "bigint")),
                wanted.coverage(),
                wanted.empty() ? 0 : 2,
                "0".repeat(32),
                "text",
                "UTF8",
                "zstd",
                wanted.empty() ? List.of() : List.of(draft.putChunk(0, 2, ByteBuffer.wrap(rows))),
                draft.putDescription(DESCRIPTION),
                draft.putScript("CREATE TABLE users ();\n"),
                wanted.createdAt(),
                SnapshotManifest.Source.INLINE,
                Optional.of("00"),
                wanted.approvalId(),
                Optional.of("agent"),
                wanted.database(),
                "18.6",
                "0/0",
                "complete",
                Optional.empty(),
                Optional.empty(),
                wanted.transactionId(),
                Optional.empty(),
                wanted.server());
    }

    /** What a test wants of a snapshot. */
    record Wanted(
            String id,
            String table,
            String database,
            Instant createdAt,
            Coverage coverage,
            Optional<String> approvalId,
            Optional<String> transactionId,
            Optional<ServerIdentity> server,
            boolean empty) {
        Wanted(
                String id,
                String table,
                String database,
                Instant createdAt,
                Coverage coverage,
                Optional<String> approvalId) {
            this(id, table, database, createdAt, coverage, approvalId, Optional.empty(), Optional.empty(), false);
        }

        /** Of a table without rows. */
        Wanted ofNoRows() {
            return new Wanted(id, table, database, createdAt, coverage, approvalId, transactionId, server, true);
        }

        /** Of a statement that has not ended, or of which nobody told how. */
        Wanted undecided() {
            return new Wanted(id, table, database, createdAt, coverage, approvalId, Optional.of("700"), server, empty);
        }

        Wanted(String id, String table, Instant createdAt) {
            this(id, table, "db:5432/shop", createdAt, Coverage.TABLE, Optional.empty());
        }

        Wanted of(String otherDatabase) {
            return new Wanted(id, table, otherDatabase, createdAt, coverage, approvalId, transactionId, server, empty);
        }

        Wanted on(ServerIdentity known) {
            return new Wanted(
                    id, table, database, createdAt, coverage, approvalId, transactionId, Optional.of(known), empty);
        }

        Wanted someRows() {
            return new Wanted(id, table, database, createdAt, Coverage.ROWS, approvalId, transactionId, server, empty);
        }

        Wanted definitions() {
            return new Wanted(
                    id, table, database, createdAt, Coverage.DEFINITIONS, approvalId, transactionId, server, true);
        }

        Wanted object() {
            return new Wanted(id, table, database, createdAt, Coverage.OBJECT, approvalId, transactionId, server, true);
        }

        Wanted approved(String approval) {
            return new Wanted(
                    id, table, database, createdAt, coverage, Optional.of(approval), transactionId, server, empty);
        }
    }
}
