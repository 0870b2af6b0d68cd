package io.backstop.api.snapshot;

import io.backstop.api.analysis.Destruction;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Describes the stored snapshot of one table, and proves that all of it is there. A snapshot without a valid manifest
 * does not exist. Immutable, thread-safe.
 *
 * @param formatVersion the version of the layout: {@value #FORMAT_VERSION}, or {@value #ENCRYPTED_FORMAT_VERSION} where the
 *     snapshot is encrypted and authenticated under a key
 * @param snapshotId {@code snap_} and sixteen hexadecimal digits
 * @param groupId the recovery group: snapshots of one moment that belong together, {@code grp_…}
 * @param schema the table's schema
 * @param table the table's name
 * @param columns the columns whose values were stored, in the order of the rows; generated columns are not among them
 * @param coverage which of the table's rows are stored
 * @param rowCount how many rows
 * @param rowChecksum the sum of all rows' hashes, independent of their order, in hex; what {@code row_checksum} of the
 *     restored rows has to equal
 * @param copyFormat the COPY format of the chunks before compression: {@code binary}, or {@code text} where a column's type
 *     has no binary form that means the same in another database. Each chunk is a complete COPY stream of its own: in
 *     binary with header and trailer; unless it is continued by the next
 * @param encoding the character encoding of the chunks' text, by PostgreSQL's name; that of the database
 * @param compression how the chunks are compressed: {@code zstd}
 * @param chunks the objects that hold the rows, in order
 * @param schemaObject the object that holds the table's description
 * @param schemaSql the object that holds a script that makes the table again with nothing but psql
 * @param createdAt when the first row was about to be read, by the clock of the process that read them
 * @param source how it came about
 * @param statementSha256 the statement that it was taken for
 * @param approvalId the approval that let the statement run
 * @param agentId who sent the statement
 * @param database {@code host:port/name}
 * @param serverVersion as {@code server_version} says it
 * @param lsn the write-ahead log position when the rows were read
 * @param status {@code complete}
 * @param identity which table it was; empty in snapshots that were taken before this was stored
 * @param operation what the statement that it was taken for takes away, where that is of one kind; empty in snapshots that
 *     were taken for none, or before this was stored
 * @param transactionId that of the statement that it was taken for, as {@code pg_current_xact_id} gives it: until it is known to
 *     be committed, the snapshot is undecided. Empty where it was taken for no statement, or before this was stored
 * @param rowsTransactionId the same where it tells, as their {@code xmin}, the rows that the statement made; empty where the
 *     statement may run in a subtransaction, which has another
 * @param server which server it was, and in which of its histories; empty where the role that took it may not ask for that,
 *     or before this was stored
 * @param undoOf the recovery group of the statement that was undone, where it was taken for an undo
 */
public record SnapshotManifest(
        int formatVersion,
        String snapshotId,
        String groupId,
        String schema,
        String table,
        List<Column> columns,
        Coverage coverage,
        long rowCount,
        String rowChecksum,
        String copyFormat,
        String encoding,
        String compression,
        List<Chunk> chunks,
        StoredObject schemaObject,
        StoredObject schemaSql,
        Instant createdAt,
        Source source,
        Optional<String> statementSha256,
        Optional<String> approvalId,
        Optional<String> agentId,
        String database,
        String serverVersion,
        String lsn,
        String status,
        Optional<TableIdentity> identity,
        Optional<Destruction.Kind> operation,
        Optional<String> transactionId,
        Optional<String> rowsTransactionId,
        Optional<ServerIdentity> server,
        Optional<String> undoOf) {
    /** Of a snapshot that is not encrypted. */
    public static final int FORMAT_VERSION = 2;

    /**
     * Of a snapshot that is encrypted and authenticated under a key. Read without the key, its manifest has no columns, no
     * checksum of the rows and no digest of the statement.
     */
    public static final int ENCRYPTED_FORMAT_VERSION = 3;

    public SnapshotManifest {
        Objects.requireNonNull(snapshotId, "snapshotId");
        Objects.requireNonNull(groupId, "groupId");
        Objects.requireNonNull(schema, "schema");
        Objects.requireNonNull(table, "table");
        columns = List.copyOf(columns);
        Objects.requireNonNull(coverage, "coverage");
        Objects.requireNonNull(rowChecksum, "rowChecksum");
        Objects.requireNonNull(copyFormat, "copyFormat");
        Objects.requireNonNull(encoding, "encoding");
        Objects.requireNonNull(compression, "compression");
        chunks = List.copyOf(chunks);
        Objects.requireNonNull(schemaObject, "schemaObject");
        Objects.requireNonNull(schemaSql, "schemaSql");
        Objects.requireNonNull(createdAt, "createdAt");
        Objects.requireNonNull(source, "source");
        Objects.requireNonNull(statementSha256, "statementSha256");
        Objects.requireNonNull(approvalId, "approvalId");
        Objects.requireNonNull(agentId, "agentId");
        Objects.requireNonNull(database, "database");
        Objects.requireNonNull(serverVersion, "serverVersion");
        Objects.requireNonNull(lsn, "lsn");
        Objects.requireNonNull(status, "status");
        Objects.requireNonNull(identity, "identity");
        Objects.requireNonNull(operation, "operation");
        Objects.requireNonNull(transactionId, "transactionId");
        Objects.requireNonNull(rowsTransactionId, "rowsTransactionId");
        Objects.requireNonNull(server, "server");
        Objects.requireNonNull(undoOf, "undoOf");
    }

    /** A manifest of no undo. */
    public SnapshotManifest(
            int formatVersion,
            String snapshotId,
            String groupId,
            String schema,
            String table,
            List<Column> columns,
            Coverage coverage,
            long rowCount,
            String rowChecksum,
            String copyFormat,
            String encoding,
            String compression,
            List<Chunk> chunks,
            StoredObject schemaObject,
            StoredObject schemaSql,
            Instant createdAt,
            Source source,
            Optional<String> statementSha256,
            Optional<String> approvalId,
            Optional<String> agentId,
            String database,
            String serverVersion,
            String lsn,
            String status,
            Optional<TableIdentity> identity,
            Optional<Destruction.Kind> operation,
            Optional<String> transactionId,
            Optional<String> rowsTransactionId,
            Optional<ServerIdentity> server) {
        this(
                formatVersion,
                snapshotId,
                groupId,
                schema,
                table,
                columns,
                coverage,
                rowCount,
                rowChecksum,
                copyFormat,
                encoding,
                compression,
                chunks,
                schemaObject,
                schemaSql,
                createdAt,
                source,
                statementSha256,
                approvalId,
                agentId,
                database,
                serverVersion,
                lsn,
                status,
                identity,
                operation,
                transactionId,
                rowsTransactionId,
                server,
                Optional.empty());
    }

    /** A manifest without the identities of table and server, and of no statement. */
    public SnapshotManifest(
            int formatVersion,
            String snapshotId,
            String groupId,
            String schema,
            String table,
            List<Column> columns,
            Coverage coverage,
            long rowCount,
            String rowChecksum,
            String copyFormat,
            String encoding,
            String compression,
            List<Chunk> chunks,
            StoredObject schemaObject,
            StoredObject schemaSql,
            Instant createdAt,
            Source source,
            Optional<String> statementSha256,
            Optional<String> approvalId,
            Optional<String> agentId,
            String database,
            String serverVersion,
            String lsn,
            String status) {
        this(
                formatVersion,
                snapshotId,
                groupId,
                schema,
                table,
                columns,
                coverage,
                rowCount,
                rowChecksum,
                copyFormat,
                encoding,
                compression,
                chunks,
                schemaObject,
                schemaSql,
                createdAt,
                source,
                statementSha256,
                approvalId,
                agentId,
                database,
                serverVersion,
                lsn,
                status,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    /** Whether it was taken for an undo: then it is there for the undo of that, and tells of no loss. */
    public boolean belongsToUndo() {
        return undoOf.isPresent();
    }

    /** Whether it is there for an undo alone, of an ordinary write or of an undo, so that no recovery takes it. */
    public boolean servesUndoAlone() {
        return belongsToUndo() || source == Source.WRITE;
    }

    /** Whether its rows and definitions are encrypted. */
    public boolean hasEncryptedRows() {
        return formatVersion == ENCRYPTED_FORMAT_VERSION;
    }

    /** The bytes that the store holds for it, the manifest itself not counted. */
    public long storedBytes() {
        return schemaObject.bytes()
                + schemaSql.bytes()
                + chunks.stream().mapToLong(Chunk::bytes).sum();
    }

    /**
     * A stored column.
     *
     * @param name its name
     * @param type its type as {@code format_type} writes it
     * @param number which column of the table it is, {@code pg_attribute.attnum}: one that is dropped and added again is another
     *     column, without the values; empty before this was stored
     */
    public record Column(String name, String type, Optional<Integer> number) {
        public Column {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(type, "type");
            Objects.requireNonNull(number, "number");
        }

        /** A column of which the number is not known. */
        public Column(String name, String type) {
            this(name, type, Optional.empty());
        }
    }

    /**
     * An object with rows.
     *
     * @param name its name within the snapshot
     * @param rows how many rows end in it
     * @param bytes its bytes as stored
     * @param sha256 their SHA-256 in hex
     * @param continued whether a large row goes on in the next chunk, so that both are parts of one COPY stream
     */
    public record Chunk(String name, long rows, long bytes, String sha256, boolean continued) {
        /** A chunk that ends with a row. */
        public Chunk(String name, long rows, long bytes, String sha256) {
            this(name, rows, bytes, sha256, false);
        }

        /** The same, whose last row goes on in the next. */
        public Chunk toBeContinued() {
            return new Chunk(name, rows, bytes, sha256, true);
        }

        /** The chunks of each COPY stream, in order: one, unless a large row did not fit into it. */
        public static List<List<Chunk>> streams(List<Chunk> chunks) {
            List<List<Chunk>> streams = new ArrayList<>();
            boolean continues = false;
            for (Chunk chunk : chunks) {
                if (!continues) {
                    streams.add(new ArrayList<>());
                }
                streams.get(streams.size() - 1).add(chunk);
                continues = chunk.continued();
            }
            return streams.stream().map(List::copyOf).toList();
        }
    }

    /** Another object of the snapshot: its name within it, its bytes as stored and their SHA-256 in hex. */
    public record StoredObject(String name, long bytes, String sha256) {}

    /**
     * Tells a table from every other that has had its name, and from itself before it was emptied or rewritten.
     *
     * @param databaseOid the database's oid
     * @param tableOid the table's oid
     * @param file the number of the file with its rows, which TRUNCATE and everything that rewrites the table change; 0
     *     where it has none
     * @param writes how many rows had ever been inserted, updated or deleted by the server's statistics; a number to
     *     compare with a later one
     */
    public record TableIdentity(long databaseOid, long tableOid, long file, long writes) {
        /** Whether it is the same table with the same rows, but for those written since. */
        public boolean isSameAs(TableIdentity other) {
            return databaseOid == other.databaseOid && tableOid == other.tableOid && file == other.file;
        }
    }

    /** Which of the table's rows a snapshot holds. */
    public enum Coverage {
        /** All that the table itself had, those of its partitions and children not counted. */
        TABLE,
        /** Those alone that a statement changed or deleted, as they were before. */
        ROWS,
        /** Those that were made, as they were made: an undo removes them, and nothing brings them back. */
        MADE,
        /** None: the table's definitions alone, as they were before a statement removed some of them. */
        DEFINITIONS,
        /** None: what it is of is no table, but a function, type or sequence, as it was before it was removed or replaced. */
        OBJECT
    }

    /** Whether it is of something that is no table, though it has a name like one. */
    public boolean holdsObject() {
        return coverage == Coverage.OBJECT;
    }

    /** Whether it holds a table's definitions, and says nothing about rows. */
    public boolean holdsDefinitionsAlone() {
        return coverage == Coverage.DEFINITIONS;
    }

    /** Whether it holds definitions alone, of a table or of another object. */
    public boolean holdsNoRows() {
        return holdsDefinitionsAlone() || holdsObject();
    }

    /** The origins of snapshots. */
    public enum Source {
        /** Before a statement that destroys. */
        INLINE,
        /** Before an ordinary write, for an undo of it. */
        WRITE,
        SIDECAR,
        MANUAL;

        /** Whether it was taken in the transaction of a statement, and is undecided until that is committed. */
        public boolean ofStatement() {
            return this == INLINE || this == WRITE;
        }
    }
}
