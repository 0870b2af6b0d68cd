package io.backstop.jdbc.internal.control.postgres;

import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.internal.control.StoreLoss;

/**
 * The refusals to take what lies in the schema for the store that was there.
 *
 * @param server host, port and database
 */
record PostgresLoss(String server) implements StoreLoss {
    private static final String WITHOUT = " the pauses, approvals and quarantines of the old one";

    @Override
    public ControlStoreUnavailableException emptied() {
        return new ControlStoreUnavailableException(
                "the control store was removed: schema " + PostgresDialect.SCHEMA + " of " + server
                        + " has no tables of one any more",
                "restore the schema from a backup; or restart every process, to begin with an empty store without"
                        + WITHOUT);
    }

    @Override
    public ControlStoreUnavailableException replaced() {
        return new ControlStoreUnavailableException(
                "the control store was replaced by another one: schema " + PostgresDialect.SCHEMA + " of " + server,
                "restore the schema from a backup; or restart every process, to go on with the other store without"
                        + WITHOUT);
    }

    @Override
    public ControlStoreUnavailableException setBack(long sequence) {
        return new ControlStoreUnavailableException(
                "the control store was set back to an earlier state: schema " + PostgresDialect.SCHEMA + " of " + server
                        + ": audit record " + sequence + " is missing",
                "restore the later state; or restart every process, to go on with the earlier one, in which pauses may be"
                        + " missing and used approvals be usable again");
    }
}
