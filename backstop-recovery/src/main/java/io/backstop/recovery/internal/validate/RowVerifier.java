package io.backstop.recovery.internal.validate;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.internal.sql.ParallelWork;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.text.SqlFragments;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.Validation.Check;
import io.backstop.snapshot.archive.CopyFormat;
import io.backstop.snapshot.archive.CopyMessageRows;
import io.backstop.snapshot.archive.RowChecksum;

import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Reads the rows of a restored table as a capture would, in any order. Belongs to one table; used by one thread. */
public final class RowVerifier {
    /** 32 MiB of pages of the usual size. */
    private static final long PAGES = 4096;

    /** The largest block number, which no piece may begin beyond (PostgreSQL documentation, 8.19). */
    private static final long LAST = 0xFFFF_FFFEL;

    private final SnapshotManifest manifest;
    private final RelationName table;
    private final CopyFormat format;
    private final String columns;

    private final RowChecksum checksum = new RowChecksum();
    private long count;

    public RowVerifier(SnapshotManifest manifest, RelationName table) {
        this.manifest = manifest;
        this.table = table;
        this.format = CopyFormat.of(manifest);
        this.columns = SqlFragments.list(
                manifest.columns().stream().map(SnapshotManifest.Column::name).toList());
    }

    /** Reads the table over one connection. */
    public List<Check> read(RecoveryTransaction transaction) throws SQLException, RecoveryException {
        read(transaction, "");
        return checks();
    }

    /**
     * Reads the table, which others see already and nobody may write to meanwhile, over both connections: each reads other
     * pages.
     */
    public List<Check> read(RecoveryTransaction transaction, ParallelWork work) throws SQLException, RecoveryException {
        transaction.execute("LOCK TABLE ONLY " + table.quoted() + " IN SHARE MODE");
        work.share(
                transaction,
                "LOCK TABLE ONLY " + table.quoted() + " IN ACCESS SHARE MODE",
                pieces(transaction),
                this::read);
        return checks();
    }

    /** Conditions that divide the rows by pages; the last has no end, so that none is left out. */
    private List<String> pieces(RecoveryTransaction transaction) throws SQLException {
        long pages = Long.parseLong(transaction
                .strings(
                        "SELECT pg_relation_size(to_regclass(?)) / current_setting('block_size')::int8", table.quoted())
                .get(0));
        List<String> pieces = new ArrayList<>();
        long count = Math.max(1, Math.min(pages, LAST) / PAGES);
        for (long i = 0; i < count; i++) {
            String from = " WHERE ctid >= '(" + i * PAGES + ",0)'::tid";
            pieces.add(i == count - 1 ? from : from + " AND ctid < '(" + (i + 1) * PAGES + ",0)'::tid");
        }
        return pieces;
    }

    private void read(RecoveryTransaction transaction, String condition) throws SQLException, RecoveryException {
        Piece piece = new Piece();
        try {
            transaction.copyOut(
                    "COPY (SELECT " + columns + " FROM ONLY " + table.quoted() + condition + ") TO STDOUT "
                            + format.options(manifest.encoding()),
                    piece::message);
        } catch (IOException e) {
            throw new RecoveryException(
                    "the rows of " + table + " could not be read back: " + e.getMessage(), "try it again", e);
        }
        synchronized (this) {
            checksum.add(piece.checksum);
            count += piece.count;
        }
    }

    private synchronized List<Check> checks() {
        return List.of(
                new Check("rows", Long.toString(manifest.rowCount()), Long.toString(count)),
                new Check("row checksum", manifest.rowChecksum(), checksum.hex()));
    }

    /** What one COPY gives. */
    private final class Piece {
        private final CopyMessageRows rows = new CopyMessageRows(format);
        private final RowChecksum checksum = new RowChecksum();
        private long count;

        void message(byte[] message) throws IOException {
            if (rows.next(message)) {
                count++;
                rows.addTo(checksum, message);
            }
        }
    }
}
