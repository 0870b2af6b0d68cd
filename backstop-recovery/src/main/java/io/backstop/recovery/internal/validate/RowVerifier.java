package io.backstop.recovery.internal.validate;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.internal.sql.ParallelWork;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.Validation.Check;
import io.backstop.snapshot.archive.CopyFormat;
import io.backstop.snapshot.archive.RowChecksum;
import io.backstop.snapshot.rows.ColumnWidths;
import io.backstop.snapshot.rows.RowReceiver;
import io.backstop.snapshot.rows.TableRows;

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

    private final RowChecksum checksum = new RowChecksum();
    private long count;

    public RowVerifier(SnapshotManifest manifest, RelationName table) {
        this.manifest = manifest;
        this.table = table;
    }

    /** Reads the table over one connection. */
    public List<Check> read(RecoveryTransaction transaction) throws SQLException, RecoveryException {
        read(transaction, rows(transaction), "true");
        return checks();
    }

    /**
     * Reads the table, which others see already and nobody may write to meanwhile, over both connections: each reads other
     * pages.
     */
    public List<Check> read(RecoveryTransaction transaction, ParallelWork work) throws SQLException, RecoveryException {
        transaction.execute("LOCK TABLE ONLY " + table.quoted() + " IN SHARE MODE");
        TableRows rows = rows(transaction);
        work.share(
                transaction,
                "LOCK TABLE ONLY " + table.quoted() + " IN ACCESS SHARE MODE",
                pieces(transaction),
                (reading, piece) -> read(reading, rows, piece));
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
            String from = "ctid >= '(" + i * PAGES + ",0)'::tid";
            pieces.add(i == count - 1 ? from : from + " AND ctid < '(" + (i + 1) * PAGES + ",0)'::tid");
        }
        return pieces;
    }

    private TableRows rows(RecoveryTransaction transaction) throws SQLException {
        List<Long> oid =
                transaction.strings("SELECT oid FROM pg_class WHERE oid = to_regclass(?)", table.quoted()).stream()
                        .map(Long::valueOf)
                        .toList();
        return new TableRows(
                table,
                manifest.columns().stream().map(SnapshotManifest.Column::name).toList(),
                ColumnWidths.read(transaction.connection(), oid).values().stream()
                        .findFirst()
                        .orElse(ColumnWidths.none()),
                CopyFormat.of(manifest),
                manifest.encoding());
    }

    private void read(RecoveryTransaction transaction, TableRows rows, String condition)
            throws SQLException, RecoveryException {
        RowChecksum piece = new RowChecksum();
        long found;
        try {
            found = rows.read(transaction.connection(), condition, piece, RowReceiver.NONE);
        } catch (IOException e) {
            throw new RecoveryException(
                    "the rows of " + table + " could not be read back: " + e.getMessage(), "try it again", e);
        }
        synchronized (this) {
            checksum.add(piece);
            count += found;
        }
    }

    private synchronized List<Check> checks() {
        return List.of(
                new Check("rows", Long.toString(manifest.rowCount()), Long.toString(count)),
                new Check("row checksum", manifest.rowChecksum(), checksum.hex()));
    }
}
