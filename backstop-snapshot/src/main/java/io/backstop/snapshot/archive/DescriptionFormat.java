package io.backstop.snapshot.archive;

import io.backstop.snapshot.schema.TableDescription;
import tools.jackson.core.JacksonException;

/** {@code schema.json}: a table's description with its component names in snake case. */
final class DescriptionFormat {
    private DescriptionFormat() {}

    static byte[] write(TableDescription description) {
        return Json.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(description);
    }

    /** @param origin names the object in messages */
    static TableDescription read(byte[] content, String origin) throws CorruptSnapshotException {
        try {
            return Json.MAPPER.readValue(content, TableDescription.class);
        } catch (JacksonException e) {
            throw new CorruptSnapshotException(
                    origin + " cannot be read as a table's description: " + e.getOriginalMessage(), e);
        }
    }
}
