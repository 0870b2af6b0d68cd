package io.backstop.recovery.internal.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Chunk;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.sql.ServerErrors;
import io.backstop.recovery.internal.text.SqlFragments;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.snapshot.archive.CopyFormat;
import io.backstop.snapshot.archive.SnapshotArchive;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

import java.io.IOException;
import java.io.InputStream;
import java.sql.SQLException;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Loads the COPY streams of one snapshot into a table, and counts the rows of each. Several threads can load at once, each
 * with a transaction of its own.
 *
 * <p>A chunk is read whole, and its SHA-256 found right, before its first byte goes to the server: an object may change
 * after it was verified, and the server's input functions are to see nothing that was not stored. The price is memory, of
 * a chunk's stored size for each connection and one more: some 8 MiB. Of a large row, which is in several chunks, the server
 * has the first parts before the last was looked at; one that does not end right it does not take.
 */
public final class RowLoader implements AutoCloseable {
    private final SnapshotManifest manifest;
    private final RelationName table;
    private final RelationName target;
    private final CopyFormat format;
    private final ChunkPrefetcher chunks;

    /**
     * @param table what to load into
     * @param target the name that it is to have, for messages
     */
    public RowLoader(SnapshotArchive archive, SnapshotManifest manifest, RelationName table, RelationName target) {
        this.manifest = manifest;
        this.table = table;
        this.target = target;
        this.format = CopyFormat.of(manifest);
        this.chunks = new ChunkPrefetcher(archive, manifest);
    }

    /** What is loaded at once: the chunks of each COPY stream. */
    public List<List<Chunk>> streams() {
        return Chunk.streams(manifest.chunks());
    }

    /** Loads one stream, and no stream twice; how many rows that were. */
    public long load(RecoveryTransaction transaction, List<Chunk> stream) throws RecoveryException {
        Chunk chunk = stream.get(0);
        long expected = stream.stream().mapToLong(Chunk::rows).sum();
        long loaded;
        try (InputStream rows = new JoinedChunks(stream, chunks::take)) {
            loaded = transaction.copyIn(
                    "COPY " + table.quoted() + columns() + " FROM STDIN " + format.options(manifest.encoding()), rows);
        } catch (SQLException e) {
            throw refused(chunk, e);
        } catch (IOException e) {
            throw RecoveryException.damaged(manifest, e);
        }
        if (loaded != expected) {
            throw new RecoveryException(
                    chunk.name() + " of snapshot " + manifest.snapshotId() + " gave " + loaded + " rows instead of "
                            + expected,
                    "restore another snapshot; nothing was kept");
        }
        return loaded;
    }

    @Override
    public void close() {
        chunks.close();
    }

    /** A table may have no columns to store; then the list has to be left out (PostgreSQL documentation, COPY). */
    private String columns() {
        List<String> names =
                manifest.columns().stream().map(SnapshotManifest.Column::name).toList();
        return names.isEmpty() ? "" : " (" + SqlFragments.list(names) + ")";
    }

    private RecoveryException refused(Chunk chunk, SQLException e) {
        Optional<String> column = column(e);
        String problem = "rows of " + chunk.name() + " of snapshot " + manifest.snapshotId()
                + " could not be loaded into " + target
                + column.map(name -> ", column " + name).orElse("");
        String state = ServerErrors.state(e);
        if (state.equals("23514") || state.equals("23502")) {
            return ServerErrors.of(
                    problem,
                    e,
                    "a domain of the column has a constraint that these rows do not meet: drop that, restore again, then add"
                            + " it again, with NOT VALID if need be; nothing was kept");
        }
        if (state.equals("22P02")) {
            return ServerErrors.of(
                    problem,
                    e,
                    "the column's type may have lost or renamed a label since: give it that back and restore again; nothing"
                            + " was kept");
        }
        return format == CopyFormat.BINARY && (column.isPresent() || isAboutForm(state))
                ? ServerErrors.of(problem, e, InfiniteIntervalCheck.otherServer(manifest))
                : ServerErrors.of(problem, e);
    }

    /** Data exceptions, a wrong protocol for a value, and a type without binary input (PostgreSQL documentation, A). */
    private static boolean isAboutForm(String state) {
        return state.startsWith("22") || state.equals("08P01") || state.equals("42883") || state.equals("0A000");
    }

    /** The snapshot's column that the server's context names. The rest of the context may quote a row. */
    private Optional<String> column(SQLException e) {
        ServerErrorMessage message = e instanceof PSQLException server ? server.getServerErrorMessage() : null;
        String where = message == null || message.getWhere() == null ? "" : message.getWhere();
        return manifest.columns().stream()
                .map(SnapshotManifest.Column::name)
                .filter(name ->
                        where.matches("(?s)COPY .*, line \\d+, column " + Pattern.quote(name) + "(: .*|\\R.*)?"))
                .max(Comparator.comparing(String::length));
    }
}
