package io.backstop.snapshot.archive;

import java.io.IOException;

/** A stored snapshot is not what its manifest says, or its manifest is not what was stored. Names snapshot and object. */
public final class CorruptSnapshotException extends IOException {
    private static final long serialVersionUID = 1L;

    public CorruptSnapshotException(String message) {
        super(message);
    }

    public CorruptSnapshotException(String message, Throwable cause) {
        super(message, cause);
    }
}
