package io.backstop.snapshot.archive;

import io.backstop.api.snapshot.SnapshotManifest;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * {@code manifest.json}: the manifest's components in snake case, and {@code checksum}, the SHA-256 in hex of the
 * canonical manifest. That is the manifest without {@code checksum}, in UTF-8, keys sorted and no white space:
 *
 * <pre>{@code jq -cjS 'del(.checksum)' manifest.json | sha256sum}</pre>
 */
final class ManifestFormat {
    static final String NAME = "manifest.json";

    private static final String CHECKSUM = "checksum";

    /** Not in every manifest of this version: they were added to it. */
    private static final List<String> ADDED = List.of("identity", "operation", "transaction_id", "rows_transaction_id");

    private static final Pattern TRANSACTION = Pattern.compile("[0-9]{1,20}");
    private static final Pattern ENCODING = Pattern.compile("[A-Za-z0-9_]{1,63}");

    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    private ManifestFormat() {}

    static byte[] write(SnapshotManifest manifest) {
        ObjectNode node = SnapshotJson.MAPPER.valueToTree(manifest);
        node.remove("stored_bytes");
        node.put(CHECKSUM, checksum(node));
        return SnapshotJson.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(node);
    }

    private static String checksum(ObjectNode withoutChecksum) {
        return Sha256.hex(SnapshotJson.MAPPER.writeValueAsBytes(withoutChecksum));
    }

    /** @param origin names the object in messages */
    static SnapshotManifest read(byte[] content, String origin) throws CorruptSnapshotException {
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
            ADDED.stream().filter(name -> !node.has(name)).forEach(node::putNull);
            return checked(SnapshotJson.MAPPER.treeToValue(node, SnapshotManifest.class), origin);
        } catch (JacksonException e) {
            throw new CorruptSnapshotException(origin + " cannot be read as a manifest: " + e.getOriginalMessage(), e);
        }
    }

    /** First of all, for another version may have another checksum. */
    private static void checkVersion(ObjectNode node, String origin) throws CorruptSnapshotException {
        JsonNode version = node.get("format_version");
        if (version == null || !version.isInt() || version.asInt() != SnapshotManifest.FORMAT_VERSION) {
            throw new CorruptSnapshotException(origin + " has format version " + version + ", this version of Backstop "
                    + "reads version " + SnapshotManifest.FORMAT_VERSION);
        }
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
