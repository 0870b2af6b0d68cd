package io.backstop.recovery;

import com.github.luben.zstd.Zstd;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.ServerIdentities;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Chunk;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.api.snapshot.SnapshotManifest.Source;
import io.backstop.snapshot.archive.RowChecksum;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.archive.SnapshotDraft;
import io.backstop.snapshot.describe.TableDescriber;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Generated;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.testing.TestDatabase;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyOut;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/** Takes snapshots for the tests of recovery, in chunks of few rows, by the archive's own means. */
final class Captures {
    private static final AtomicInteger NUMBERS = new AtomicInteger();
    private static final int ROWS_PER_CHUNK = 3;

    private final TestDatabase database;
    private final ObjectStore store;

    Captures(TestDatabase database, ObjectStore store) {
        this.database = database;
        this.store = store;
    }

    SnapshotArchive archive() {
        return new SnapshotArchive(store);
    }

    SnapshotManifest take(String table) throws SQLException, IOException {
        return takeTogether(table).get(0);
    }

    /** Snapshots of tables in schema public as one recovery group. */
    List<SnapshotManifest> takeTogether(String... tables) throws SQLException, IOException {
        String group = "grp_%016x".formatted(NUMBERS.incrementAndGet());
        List<SnapshotManifest> manifests = new ArrayList<>();
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            for (String table : tables) {
                manifests.add(take(connection, "public", table, group));
            }
            connection.rollback();
        }
        return manifests;
    }

    /** A snapshot whose manifest, valid in itself, does not tell the truth about the rows. */
    SnapshotManifest takeWith(String table, UnaryOperator<RowFacts> lie) throws SQLException, IOException {
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            return take(connection, "public", table, "grp_0000000000000000", "", lie);
        }
    }

    /** A snapshot of some of the rows, as of a statement that changes them. */
    SnapshotManifest takeRows(String table, String condition) throws SQLException, IOException {
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            return take(
                    connection,
                    "public",
                    table,
                    "grp_%016x".formatted(NUMBERS.incrementAndGet()),
                    " WHERE " + condition,
                    UnaryOperator.identity());
        }
    }

    /** A snapshot as of a server that has something which this one lacks. */
    SnapshotManifest takeDescribed(String table, UnaryOperator<TableDescription> changed)
            throws SQLException, IOException {
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            return take(connection, "public", table, "grp_0000000000000001", "", UnaryOperator.identity(), changed);
        }
    }

    SnapshotManifest take(Connection connection, String schema, String table, String group)
            throws SQLException, IOException {
        return take(connection, schema, table, group, "", UnaryOperator.identity());
    }

    private SnapshotManifest take(
            Connection connection,
            String schema,
            String table,
            String group,
            String condition,
            UnaryOperator<RowFacts> lie)
            throws SQLException, IOException {
        return take(connection, schema, table, group, condition, lie, UnaryOperator.identity());
    }

    private SnapshotManifest take(
            Connection connection,
            String schema,
            String table,
            String group,
            String condition,
            UnaryOperator<RowFacts> lie,
            UnaryOperator<TableDescription> changed)
            throws SQLException, IOException {
        int number = NUMBERS.incrementAndGet();
        SnapshotDraft draft = archive().begin(schema, table, "snap_%016x".formatted(number));
        TableDescription description = changed.apply(
                new TableDescriber().describe(connection, schema, table).orElseThrow());
        List<SnapshotManifest.Column> columns = description.columns().stream()
                .filter(c -> c.generated() != Generated.STORED && c.generated() != Generated.VIRTUAL)
                .map(c -> new SnapshotManifest.Column(c.name(), c.type()))
                .toList();
        List<byte[]> rows = rows(connection, description, columns, condition);
        RowChecksum checksum = new RowChecksum();
        rows.forEach(row -> checksum.add(row, 0, row.length - 1));
        List<Chunk> chunks = new ArrayList<>();
        for (int from = 0; from < rows.size(); from += ROWS_PER_CHUNK) {
            List<byte[]> part = rows.subList(from, Math.min(rows.size(), from + ROWS_PER_CHUNK));
            chunks.add(draft.putChunk(chunks.size(), part.size(), compressed(part)));
        }
        RowFacts told = lie.apply(new RowFacts(checksum.hex(), chunks));
        SnapshotManifest manifest = new SnapshotManifest(
                SnapshotManifest.FORMAT_VERSION,
                draft.snapshotId(),
                group,
                schema,
                table,
                columns,
                condition.isEmpty() ? Coverage.TABLE : Coverage.ROWS,
                told.chunks().stream().mapToLong(Chunk::rows).sum(),
                told.checksum(),
                "text",
                "UTF8",
                "zstd",
                told.chunks(),
                draft.putDescription(description),
                draft.putScript("-- not read by the recovery"),
                Instant.parse("2026-01-01T00:00:00Z").plusSeconds(number),
                Source.MANUAL,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                "localhost:5432/" + connection.getCatalog(),
                "18",
                "0/0",
                "complete",
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                ServerIdentities.read(connection));
        draft.publish(manifest);
        return manifest;
    }

    private static List<byte[]> rows(
            Connection connection, TableDescription table, List<SnapshotManifest.Column> columns, String condition)
            throws SQLException {
        if (table.foreign().isPresent()) {
            return List.of();
        }
        try (Statement statement = connection.createStatement()) {
            statement.execute(
                    "SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL lc_monetary = 'C'; SET LOCAL IntervalStyle = 'postgres'; "
                            + "SET LOCAL TimeZone = 'UTC'; SET LOCAL extra_float_digits = 3; SET LOCAL bytea_output = 'hex'");
        }
        String list = columns.stream()
                .map(c -> "\"" + c.name().replace("\"", "\"\"") + "\"")
                .collect(Collectors.joining(", "));
        CopyOut copy = connection
                .unwrap(PGConnection.class)
                .getCopyAPI()
                .copyOut("COPY (SELECT " + list + " FROM ONLY "
                        + RelationName.of(table.schema(), table.name()).quoted() + condition + ") TO STDOUT");
        List<byte[]> rows = new ArrayList<>();
        for (byte[] row = copy.readFromCopy(); row != null; row = copy.readFromCopy()) {
            rows.add(row);
        }
        return rows;
    }

    private static ByteBuffer compressed(List<byte[]> rows) {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        rows.forEach(text::writeBytes);
        return ByteBuffer.wrap(Zstd.compress(text.toByteArray()));
    }

    /** What a manifest says of the rows. */
    record RowFacts(String checksum, List<Chunk> chunks) {}
}
