package io.backstop.jdbc.internal.control.sqlite;

import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.internal.control.StoreLoss;

import java.nio.file.Path;

/** The refusals to take what lies in a store's place for that store. Immutable, thread-safe. */
record SqliteLoss(Path store, Path marker) implements StoreLoss {
    ControlStoreUnavailableException removed() {
        return lost("the control store was removed: " + store, "put the file back, with its -wal file if it has one");
    }

    @Override
    public ControlStoreUnavailableException emptied() {
        return lost("the control store was emptied: " + store, "put back a copy of the file");
    }

    @Override
    public ControlStoreUnavailableException replaced() {
        return new ControlStoreUnavailableException(
                "the control store was replaced by another one: " + store,
                "put the file back; or delete " + marker + " and restart, to go on with the other store, which does not"
                        + " have the pauses, approvals and quarantines of this one");
    }

    @Override
    public ControlStoreUnavailableException setBack(long sequence) {
        return new ControlStoreUnavailableException(
                "the control store was set back to an earlier state: " + store + ": audit record " + sequence
                        + " is missing",
                "put the later file back, with its -wal file if it has one; or restart, to go on with the earlier state,"
                        + " in which pauses may be missing and used approvals be usable again");
    }

    private ControlStoreUnavailableException lost(String problem, String remedy) {
        return new ControlStoreUnavailableException(
                problem,
                remedy + "; or delete " + marker + " and restart, to begin with an empty store without the pauses,"
                        + " approvals and quarantines of the old one");
    }
}
