package io.backstop.snapshot.archive;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.key.ChangedContentException;
import io.backstop.snapshot.key.DataKey;
import io.backstop.snapshot.key.DecryptingStream;
import io.backstop.snapshot.store.Sha256;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * {@code manifest.json}: the manifest's components in snake case, and {@code checksum}, the SHA-256 in hex of the
 * canonical manifest. That is the manifest without {@code checksum}, in UTF-8, keys sorted and no white space:
 *
 * That of an encrypted snapshot, of version 3, has {@code sealed} in place of columns, checksum of the rows and digest of the
 * statement, which it holds encrypted, and {@code mac}, the HMAC-SHA-256 of the canonical manifest without {@code mac}.
 *
 * <pre>{@code jq -cjS 'del(.checksum)' manifest.json | sha256sum}</pre>
 */
final class ManifestFormat {
    static final String NAME = "manifest.json";

    private static final String CHECKSUM = "checksum";
    private static final String MAC = "mac";
    private static final String SEALED = "sealed";
    private static final String UNDO_OF = "undo_of";

    /** Not in clear in an encrypted snapshot: they tell of definitions, of rows that can be guessed, and of statements. */
    private static final List<String> SECRET = List.of("columns", "row_checksum", "statement_sha256");

    private static final Pattern SNAPSHOT = Pattern.compile("[A-Za-z0-9_-]{1,100}");

    /** Not in every manifest of this version: they were added to it. */
    private static final List<String> ADDED =
            List.of("identity", "operation", "transaction_id", "rows_transaction_id", "server", UNDO_OF);

    /** The same of each column. */
    private static final String ADDED_TO_COLUMNS = "number";

    /** The same of each chunk; only where it is true, so that versions before it read all but that. */
    private static final String CONTINUED = "continued";

    private static final Pattern SYSTEM_IDENTIFIER = Pattern.compile("[0-9]{1,20}");
    private static final Pattern TRANSACTION = Pattern.compile("[0-9]{1,20}");
    private static final Pattern ENCODING = Pattern.compile("[A-Za-z0-9_]{1,63}");

    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    private ManifestFormat() {}

    /**
     * @param key encrypts what tells of rows and definitions, and authenticates all of it
     * @param folder where the snapshot lies, which it is bound to
     */
    static byte[] write(SnapshotManifest manifest, Optional<DataKey> key, String folder) {
        ObjectNode node = SnapshotJson.MAPPER.valueToTree(manifest);
        node.remove("stored_bytes");
        if (!manifest.belongsToUndo()) {
            node.remove(UNDO_OF); // earlier versions read what they know, and nothing else
        }
        for (JsonNode chunk : node.path("chunks")) {
            if (chunk instanceof ObjectNode object && !object.path(CONTINUED).asBoolean()) {
                object.remove(CONTINUED);
            }
        }
        if (key.isPresent()) {
            ObjectNode secret = SnapshotJson.MAPPER.createObjectNode();
            SECRET.forEach(name -> secret.set(name, node.remove(name)));
            node.put(
                    SEALED,
                    Base64.getEncoder()
                            .encodeToString(key.get()
                                    .sealText(SnapshotJson.MAPPER.writeValueAsBytes(secret), context(folder))));
            node.put(MAC, mac(key.get(), node));
        }
        node.put(CHECKSUM, checksum(node));
        return SnapshotJson.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(node);
    }

    private static String checksum(ObjectNode withoutChecksum) {
        return Sha256.hex(SnapshotJson.MAPPER.writeValueAsBytes(withoutChecksum));
    }

    private static String mac(DataKey key, ObjectNode withoutMac) {
        return HexFormat.of().formatHex(key.mac(SnapshotJson.MAPPER.writeValueAsBytes(withoutMac)));
    }

    private static String context(String folder) {
        return SnapshotObject.context(folder, NAME);
    }

    /**
     * @param origin names the object in messages
     * @param keys gives the data key of the snapshot that a manifest says it is of; without it, what is encrypted is left out
     */
    static SnapshotManifest read(byte[] content, String origin, Keys keys) throws IOException {
        try {
            JsonNode root = SnapshotJson.MAPPER.readTree(content);
            if (!(root instanceof ObjectNode node)) {
                throw new CorruptSnapshotException(origin + " is not a manifest: it holds no JSON object");
            }
            checkVersion(node, origin);
            JsonNode checksum = node.remove(CHECKSUM);
            if (checksum == null || !checksum.isString() || !checksum.asString().equals(checksum(node))) {
                throw new CorruptSnapshotException(origin + " does not match its own checksum");
            }
            if (version(node) == SnapshotManifest.ENCRYPTED_FORMAT_VERSION) {
                open(node, origin, keys);
            }
            ADDED.stream().filter(name -> !node.has(name)).forEach(node::putNull);
            for (JsonNode column : node.path("columns")) {
                if (column instanceof ObjectNode object && !object.has(ADDED_TO_COLUMNS)) {
                    object.putNull(ADDED_TO_COLUMNS);
                }
            }
            for (JsonNode chunk : node.path("chunks")) {
                if (chunk instanceof ObjectNode object && !object.has(CONTINUED)) {
                    object.put(CONTINUED, false);
                }
            }
            return checked(SnapshotJson.MAPPER.treeToValue(node, SnapshotManifest.class), origin);
        } catch (JacksonException e) {
            throw new CorruptSnapshotException(origin + " cannot be read as a manifest: " + e.getOriginalMessage(), e);
        }
    }

    private static void open(ObjectNode node, String origin, Keys keys) throws IOException {
        JsonNode mac = node.remove(MAC);
        JsonNode sealed = node.get(SEALED);
        if (mac == null || !mac.isString() || sealed == null || !sealed.isString()) {
            throw new CorruptSnapshotException(origin + " has no authentication");
        }
        if (SECRET.stream().anyMatch(node::has)) {
            throw new CorruptSnapshotException(origin + " holds in clear what has to be encrypted");
        }
        String folder = folder(node, origin);
        Optional<DataKey> key = keys.of(folder);
        if (key.isPresent()) {
            byte[] expected = mac(key.get(), node).getBytes(StandardCharsets.US_ASCII);
            if (!MessageDigest.isEqual(expected, mac.asString().getBytes(StandardCharsets.UTF_8))) {
                throw new CorruptSnapshotException(origin + " is not what was authenticated under the snapshot's key");
            }
            node.remove(SEALED);
            node.setAll(secret(key.get(), sealed.asString(), folder, origin));
        } else {
            node.remove(SEALED);
            node.putArray("columns");
            node.put("row_checksum", "");
            node.putNull("statement_sha256");
        }
    }

    private static String folder(ObjectNode node, String origin) throws CorruptSnapshotException {
        JsonNode schema = node.get("schema");
        JsonNode table = node.get("table");
        JsonNode id = node.get("snapshot_id");
        if (schema == null
                || !schema.isString()
                || table == null
                || !table.isString()
                || id == null
                || !id.isString()
                || !SNAPSHOT.matcher(id.asString()).matches()) {
            throw new CorruptSnapshotException(origin + " does not name its snapshot");
        }
        return SnapshotFolder.of(schema.asString(), table.asString()) + id.asString() + "/";
    }

    private static ObjectNode secret(DataKey key, String sealed, String folder, String origin) throws IOException {
        try {
            byte[] bytes = Base64.getDecoder().decode(sealed);
            ByteArrayOutputStream plain = new ByteArrayOutputStream();
            DecryptingStream opening = key.opening(plain, bytes.length, context(folder));
            opening.write(bytes, 0, bytes.length);
            opening.finish();
            if (SnapshotJson.MAPPER.readTree(plain.toByteArray()) instanceof ObjectNode secret
                    && SECRET.stream().allMatch(secret::has)
                    && secret.size() == SECRET.size()) {
                return secret;
            }
            throw new CorruptSnapshotException(origin + " encrypts something else than what it should");
        } catch (ChangedContentException | IllegalArgumentException e) {
            throw new CorruptSnapshotException(origin + " is not what was encrypted under the snapshot's key", e);
        }
    }

    /** First of all, for another version may have another checksum. */
    private static void checkVersion(ObjectNode node, String origin) throws CorruptSnapshotException {
        int version = version(node);
        if (version != SnapshotManifest.FORMAT_VERSION && version != SnapshotManifest.ENCRYPTED_FORMAT_VERSION) {
            throw new CorruptSnapshotException(origin + " has format version " + node.get("format_version")
                    + ", this version of Backstop reads the versions " + SnapshotManifest.FORMAT_VERSION + " and "
                    + SnapshotManifest.ENCRYPTED_FORMAT_VERSION);
        }
    }

    private static int version(ObjectNode node) {
        JsonNode version = node.get("format_version");
        return version == null || !version.isInt() ? 0 : version.asInt();
    }

    /** Finds data keys. */
    @FunctionalInterface
    interface Keys {
        Optional<DataKey> of(String folder) throws IOException;
    }

    private static SnapshotManifest checked(SnapshotManifest manifest, String origin) throws CorruptSnapshotException {
        checkObjects(manifest, origin);
        long rows = manifest.chunks().stream()
                .mapToLong(SnapshotManifest.Chunk::rows)
                .sum();
        if (rows != manifest.rowCount()) {
            throw new CorruptSnapshotException(
                    origin + " counts " + manifest.rowCount() + " rows, its chunks hold " + rows);
        }
        if (!manifest.status().equals("complete")) {
            throw new CorruptSnapshotException(origin + " has the unknown status " + manifest.status());
        }
        if (!CopyFormat.knows(manifest.copyFormat()) || !manifest.compression().equals("zstd")) {
            throw new CorruptSnapshotException(origin + " holds rows as " + manifest.copyFormat() + " compressed by "
                    + manifest.compression() + ", this version of Backstop reads binary and text compressed by zstd");
        }
        // It becomes part of a statement.
        if (!ENCODING.matcher(manifest.encoding()).matches()) {
            throw new CorruptSnapshotException(origin + " names an encoding that cannot be one of PostgreSQL's");
        }
        if (manifest.transactionId()
                .filter(id -> !TRANSACTION.matcher(id).matches())
                .isPresent()) {
            throw new CorruptSnapshotException(origin + " names a transaction that cannot be one of PostgreSQL's");
        }
        if (manifest.server()
                .filter(server ->
                        !SYSTEM_IDENTIFIER.matcher(server.systemIdentifier()).matches())
                .isPresent()) {
            throw new CorruptSnapshotException(origin + " names a server that cannot be one of PostgreSQL's");
        }
        return manifest;
    }

    /** A checksum tells that a manifest is whole, not that it was made in good faith. */
    private static void checkObjects(SnapshotManifest manifest, String origin) throws CorruptSnapshotException {
        Set<String> names = new HashSet<>(Set.of(NAME));
        for (SnapshotManifest.StoredObject object : objects(manifest)) {
            if (!SnapshotObjectNames.isName(object.name()) || !names.add(object.name())) {
                throw new CorruptSnapshotException(origin + " names an object that cannot be one of its own");
            }
            if (object.bytes() < 0 || !SHA256.matcher(object.sha256()).matches()) {
                throw new CorruptSnapshotException(
                        origin + " gives the object " + object.name() + " a size or a SHA-256 that cannot be");
            }
        }
        if (manifest.chunks().stream().anyMatch(chunk -> chunk.rows() < 0)) {
            throw new CorruptSnapshotException(origin + " counts less than no rows");
        }
        if (!manifest.chunks().isEmpty()
                && manifest.chunks().get(manifest.chunks().size() - 1).continued()) {
            throw new CorruptSnapshotException(origin + " ends within a row");
        }
    }

    private static List<SnapshotManifest.StoredObject> objects(SnapshotManifest manifest) {
        List<SnapshotManifest.StoredObject> objects =
                new ArrayList<>(List.of(manifest.schemaObject(), manifest.schemaSql()));
        manifest.chunks()
                .forEach(chunk ->
                        objects.add(new SnapshotManifest.StoredObject(chunk.name(), chunk.bytes(), chunk.sha256())));
        return objects;
    }
}
