package io.backstop.snapshot.capture;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.archive.RowChecksum;
import io.backstop.snapshot.archive.SnapshotDraft;
import io.backstop.snapshot.schema.TableDescription;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyOut;

import java.io.IOException;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Collectors;

/** Copies a table's own rows, not those of its children, into chunks. Used by one thread. */
final class TableCopier {
    /** Compressed bytes of a chunk; what the compressor still holds comes on top, well below 16 MiB in all. */
    static final int CHUNK = 8 << 20;

    private static final long LONGEST = 256L << 20;

    private final Session session;
    private final Uploads uploads;
    private final Progress progress;
    private final int chunkBytes;

    TableCopier(Session session, Uploads uploads, Progress progress, int chunkBytes) {
        this.chunkBytes = chunkBytes;
        this.session = session;
        this.uploads = uploads;
        this.progress = progress;
    }

    /** The columns whose values are stored: a generated one is not data. */
    static List<SnapshotManifest.Column> columns(TableDescription table) {
        return table.columns().stream()
                .filter(c -> c.generated() != TableDescription.Generated.STORED
                        && c.generated() != TableDescription.Generated.VIRTUAL)
                .map(c -> new SnapshotManifest.Column(c.name(), c.type()))
                .toList();
    }

    Copied copy(Relation relation, TableDescription table, SnapshotDraft draft) throws SQLException, IOException {
        if (table.partitionKey().isPresent()) {
            return new Copied(List.of(), 0, new RowChecksum().hex()); // its rows are its partitions'
        }
        RowChecksum checksum = new RowChecksum();
        long[] handedOn = {0};
        long rows = 0;
        String subject = relation.name().toString();
        CopyOut copy =
                session.connection().unwrap(PGConnection.class).getCopyAPI().copyOut(sql(relation, columns(table)));
        try (ChunkWriter writer = new ChunkWriter(chunkBytes, LONGEST, (number, chunkRows, content) -> {
            uploads.begin(() -> draft.putChunk(number, chunkRows, content));
            handedOn[0] += chunkRows;
            progress.reached(Progress.Step.COPYING, subject, handedOn[0], relation.estimatedRows());
        })) {
            for (byte[] row = copy.readFromCopy(); row != null; row = copy.readFromCopy()) {
                if (row.length == 0 || row[row.length - 1] != '\n') {
                    throw new IOException("the server sent something else than one row of text at a time");
                }
                checksum.add(row, 0, row.length - 1);
                writer.add(row);
                rows++;
            }
            writer.finish();
        } finally {
            if (copy.isActive()) {
                copy.cancelCopy();
            }
        }
        if (copy.getHandledRowCount() != rows) {
            throw new IOException("the server sent " + copy.getHandledRowCount() + " rows and " + rows + " came");
        }
        return new Copied(uploads.finish(), rows, checksum.hex());
    }

    /** Without a list of columns the server takes all that are not generated; with none left the list cannot be written. */
    private static String sql(Relation relation, List<SnapshotManifest.Column> columns) {
        String list = columns.isEmpty()
                ? ""
                : columns.stream()
                        .map(column -> RelationName.quote(column.name()))
                        .collect(Collectors.joining(", ", " (", ")"));
        return "COPY " + relation.name().quoted() + list + " TO STDOUT (FORMAT text, ENCODING 'UTF8')";
    }

    /** What was copied of a table. */
    record Copied(List<SnapshotManifest.Chunk> chunks, long rows, String checksum) {}
}
