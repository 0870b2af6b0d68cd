package io.backstop.snapshot.key;

import java.io.IOException;

/** Reports that encrypted bytes are not those that were encrypted under this key for this place. */
public final class ChangedContentException extends IOException {
    private static final long serialVersionUID = 1L;

    ChangedContentException(Throwable cause) {
        super("is not what was encrypted under the snapshot's key", cause);
    }

    ChangedContentException() {
        super("is not what was encrypted under the snapshot's key");
    }
}
