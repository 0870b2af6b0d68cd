package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.archive.CopyFormat;
import io.backstop.snapshot.archive.RowChecksum;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.internal.copy.TableCopier;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.testing.TestDatabase;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What the tests of the capture have in common: short words for requests, and rows read back from the store. */
public final class Securing {
    static final Instant NOW = Instant.parse("2026-01-02T03:04:05.678Z");

    public final ObjectStore store;
    public final PostgresSnapshotService service;
    public final SnapshotArchive archive;

    public Securing(ObjectStore store) {
        this(store, SnapshotSettings.DEFAULT_LOCK_TIMEOUT);
    }

    Securing(ObjectStore store, Duration lockTimeout) {
        this(store, lockTimeout, TableCopier.CHUNK);
    }

    public Securing(ObjectStore store, Duration lockTimeout, int chunkBytes) {
        this.store = store;
        this.archive = new SnapshotArchive(store);
        this.service = new PostgresSnapshotService(
                store,
                new SnapshotSettings(store.address(), lockTimeout, Clock.fixed(NOW, ZoneOffset.UTC)),
                chunkBytes);
    }

    public static Destruction plain(Kind kind, String... names) {
        return destruction(kind, false, names);
    }

    public static Destruction cascading(Kind kind, String... names) {
        return destruction(kind, true, names);
    }

    /** A name without a dot has no schema, one with a dot has the part before it. */
    private static Destruction destruction(Kind kind, boolean cascade, String... names) {
        List<RelationName> relations = Stream.of(names)
                .map(name -> {
                    int dot = name.indexOf('.');
                    return dot < 0
                            ? RelationName.of(name)
                            : RelationName.of(name.substring(0, dot), name.substring(dot + 1));
                })
                .toList();
        return new Destruction(kind, relations, cascade, false);
    }

    public static SnapshotRequest request(List<Destruction> destructions, List<String> companions, long maxBytes) {
        return new SnapshotRequest(
                destructions,
                companions,
                maxBytes,
                Optional.empty(),
                "localhost:5432/test",
                "agent-7",
                "ab".repeat(32),
                Optional.of("appr_1"),
                false);
    }

    public SecuredRows secure(Connection connection, Destruction... destructions) throws RecoveryNotReadyException {
        return service.secure(
                connection,
                Connections.NONE,
                request(List.of(destructions), List.of(), Long.MAX_VALUE),
                Progress.SILENT);
    }

    /** The stored rows as COPY writes them in text, each without its newline. */
    public List<String> rows(TestDatabase database, SnapshotManifest manifest) throws IOException, SQLException {
        List<String> rows = new ArrayList<>();
        for (SnapshotManifest.Chunk chunk : manifest.chunks()) {
            List<String> stored = lines(database, manifest, chunk);
            if (stored.size() != chunk.rows()) {
                throw new AssertionError("the chunk " + chunk + " does not hold as many whole rows as it says");
            }
            rows.addAll(stored);
        }
        return rows;
    }

    private List<String> lines(TestDatabase database, SnapshotManifest manifest, SnapshotManifest.Chunk chunk)
            throws IOException, SQLException {
        try (InputStream rows = archive.rows(manifest, chunk)) {
            if (CopyFormat.of(manifest) == CopyFormat.TEXT) {
                return lines(rows.readAllBytes());
            }
            try (Connection connection = database.connect()) {
                run(
                        connection,
                        "CREATE TEMPORARY TABLE stored ("
                                + manifest.columns().stream()
                                        .map(column -> RelationName.quote(column.name()) + " " + column.type())
                                        .collect(Collectors.joining(", "))
                                + ")");
                CopyManager copy = connection.unwrap(PGConnection.class).getCopyAPI();
                copy.copyIn("COPY stored FROM STDIN (FORMAT binary)", rows);
                ByteArrayOutputStream text = new ByteArrayOutputStream();
                copy.copyOut("COPY stored TO STDOUT", text);
                return lines(text.toByteArray());
            }
        }
    }

    /** The checksum of the stored rows, found by their lengths alone. */
    public String checksum(SnapshotManifest manifest) throws IOException {
        RowChecksum checksum = new RowChecksum();
        for (SnapshotManifest.Chunk chunk : manifest.chunks()) {
            try (InputStream content = archive.rows(manifest, chunk)) {
                byte[] stored = content.readAllBytes();
                if (CopyFormat.of(manifest) == CopyFormat.TEXT) {
                    new String(stored, StandardCharsets.UTF_8)
                            .lines()
                            .map(line -> line.getBytes(StandardCharsets.UTF_8))
                            .forEach(line -> checksum.add(line, 0, line.length));
                } else {
                    addTuples(stored, checksum);
                }
            }
        }
        return checksum.hex();
    }

    private static void addTuples(byte[] stored, RowChecksum checksum) {
        ByteBuffer rows = ByteBuffer.wrap(stored).position(19);
        int start = rows.position();
        for (int fields = rows.getShort(); fields >= 0; fields = rows.getShort()) {
            for (int i = 0; i < fields; i++) {
                int length = rows.getInt();
                rows.position(rows.position() + Math.max(length, 0));
            }
            checksum.add(stored, start, rows.position() - start);
            start = rows.position();
        }
        if (rows.hasRemaining()) {
            throw new AssertionError("there is something after the end of the rows");
        }
    }

    private static List<String> lines(byte[] text) {
        return new String(text, StandardCharsets.UTF_8).lines().toList();
    }

    public static List<String> tables(SecuredRows secured) {
        return secured.manifests().stream()
                .map(manifest -> manifest.schema() + "." + manifest.table())
                .sorted()
                .toList();
    }

    public static SnapshotManifest only(SecuredRows secured) {
        if (secured.manifests().size() != 1) {
            throw new AssertionError("not one table was saved but " + tables(secured));
        }
        return secured.manifests().get(0);
    }

    public static void run(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    public static String value(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                var result = statement.executeQuery(sql)) {
            result.next();
            return String.valueOf(result.getString(1));
        }
    }

    /** A connection with a transaction to be begun. */
    public static Connection begin(TestDatabase database) throws SQLException {
        Connection connection = database.connect();
        connection.setAutoCommit(false);
        return connection;
    }
}
