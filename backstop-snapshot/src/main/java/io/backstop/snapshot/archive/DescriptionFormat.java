package io.backstop.snapshot.archive;

import io.backstop.snapshot.schema.TableDescription;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.node.ObjectNode;

/** {@code schema.json}: a table's description with its component names in snake case. */
final class DescriptionFormat {
    private DescriptionFormat() {}

    static byte[] write(TableDescription description) {
        return SnapshotJson.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(description);
    }

    /** @param origin names the object in messages */
    static TableDescription read(byte[] content, String origin) throws CorruptSnapshotException {
        try {
            if (!(SnapshotJson.MAPPER.readTree(content) instanceof ObjectNode table)) {
                throw new CorruptSnapshotException(
                        origin + " cannot be read as a table's description: it is no object");
            }
            DescriptionUpgrade.complete(table);
            return SnapshotJson.MAPPER.treeToValue(table, TableDescription.class);
        } catch (JacksonException e) {
            throw new CorruptSnapshotException(
                    origin + " cannot be read as a table's description: " + e.getOriginalMessage(), e);
        } catch (IllegalArgumentException e) {
            throw new CorruptSnapshotException(
                    origin + " cannot be read as a table's description: " + e.getMessage(), e);
        }
    }
}
