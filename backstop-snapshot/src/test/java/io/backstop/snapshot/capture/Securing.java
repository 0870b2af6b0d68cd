package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.testing.TestDatabase;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What the tests of the capture have in common: short words for requests, and rows read back from the store. */
final class Securing {
    static final Instant NOW = Instant.parse("2026-01-02T03:04:05.678Z");

    final ObjectStore store;
    final PostgresSnapshotService service;
    final SnapshotArchive archive;

    Securing(ObjectStore store) {
        this(store, SnapshotSettings.DEFAULT_LOCK_TIMEOUT);
    }

    Securing(ObjectStore store, Duration lockTimeout) {
        this(store, lockTimeout, TableCopier.CHUNK);
    }

    Securing(ObjectStore store, Duration lockTimeout, int chunkBytes) {
        this.store = store;
        this.archive = new SnapshotArchive(store);
        this.service = new PostgresSnapshotService(
                store,
                new SnapshotSettings(store.address(), lockTimeout, Clock.fixed(NOW, ZoneOffset.UTC)),
                chunkBytes);
    }

    static Destruction plain(Kind kind, String... names) {
        return destruction(kind, false, names);
    }

    static Destruction cascading(Kind kind, String... names) {
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

    static SnapshotRequest request(List<Destruction> destructions, List<String> companions, long maxBytes) {
        return new SnapshotRequest(
                destructions,
                companions,
                maxBytes,
                "localhost:5432/test",
                "agent-7",
                "ab".repeat(32),
                Optional.of("appr_1"),
                false);
    }

    SecuredRows secure(Connection connection, Destruction... destructions) throws RecoveryNotReadyException {
        return service.secure(connection, request(List.of(destructions), List.of(), Long.MAX_VALUE), Progress.SILENT);
    }

    /** The stored rows as COPY wrote them, each without its newline. */
    List<String> rows(SnapshotManifest manifest) throws IOException {
        List<String> rows = new ArrayList<>();
        for (SnapshotManifest.Chunk chunk : manifest.chunks()) {
            String text = text(manifest, chunk);
            if (!text.endsWith("\n") || text.chars().filter(c -> c == '\n').count() != chunk.rows()) {
                throw new AssertionError("the chunk " + chunk + " does not hold as many whole rows as it says");
            }
            rows.addAll(Arrays.asList(text.substring(0, text.length() - 1).split("\n", -1)));
        }
        return rows;
    }

    private String text(SnapshotManifest manifest, SnapshotManifest.Chunk chunk) throws IOException {
        try (InputStream rows = archive.rows(manifest, chunk)) {
            return new String(rows.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    static List<String> tables(SecuredRows secured) {
        return secured.manifests().stream()
                .map(manifest -> manifest.schema() + "." + manifest.table())
                .sorted()
                .toList();
    }

    static SnapshotManifest only(SecuredRows secured) {
        if (secured.manifests().size() != 1) {
            throw new AssertionError("not one table was saved but " + tables(secured));
        }
        return secured.manifests().get(0);
    }

    static void run(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    static String value(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                var result = statement.executeQuery(sql)) {
            result.next();
            return String.valueOf(result.getString(1));
        }
    }

    /** A connection with a transaction to be begun. */
    static Connection begin(TestDatabase database) throws SQLException {
        Connection connection = database.connect();
        connection.setAutoCommit(false);
        return connection;
    }
}
