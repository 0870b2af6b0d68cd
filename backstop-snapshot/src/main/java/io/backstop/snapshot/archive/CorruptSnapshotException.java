package io.backstop.snapshot.archive;

import java.io.IOException;

/**
 * Reports that a stored snapshot differs from its manifest, or a manifest from what was stored. The message names
 * snapshot and object.
 */
public final class CorruptSnapshotException extends IOException {
    private static final long serialVersionUID = 1L;

    public CorruptSnapshotException(String message) {
        super(message);
    }

    public CorruptSnapshotException(String message, Throwable cause) {
        super(message, cause);
    }
}
