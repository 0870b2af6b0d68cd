package io.backstop.snapshot.capture;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.store.ObjectStore;

import java.io.IOException;
import java.sql.SQLException;

/** The refusals where rows could not be saved. */
final class CaptureFailures {
    static final String HINT_STORAGE =
            "see whether the storage can be written and read with these credentials, and has room";

    private CaptureFailures() {}

    static RecoveryNotReadyException reading(SQLException failure) {
        return new RecoveryNotReadyException(
                "the rows could not be saved: " + CallerSession.reason(failure) + "; nothing was changed",
                hint(failure),
                failure);
    }

    static RecoveryNotReadyException storing(ObjectStore store, IOException failure) {
        return storing(store.address(), failure);
    }

    static RecoveryNotReadyException storing(String address, IOException failure) {
        return new RecoveryNotReadyException(
                "the rows could not be stored in " + address + ": " + failure.getMessage() + "; nothing was changed",
                HINT_STORAGE,
                failure);
    }

    private static String hint(SQLException failure) {
        return switch (String.valueOf(failure.getSQLState())) {
            case "42501" ->
                "the role has to be allowed to read every row of every table that is to be saved, past row-level security";
            case "55P03" -> "another transaction held a lock on it for too long; run it again later";
            case "25P02" -> "the transaction had failed before; roll it back";
            default -> "run it again when the reason is gone";
        };
    }
}
