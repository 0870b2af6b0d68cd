package io.backstop.recovery.model;

import java.util.Objects;

/**
 * Which change is to be undone, and how. Immutable, thread-safe.
 *
 * @param change the recovery group of its snapshots, {@code grp_…}; or one of them, {@code snap_…}; or the approval under which
 *     it ran, {@code appr_…}
 * @param operator who undoes it, as the snapshots of the undo will tell
 * @param skipChanged whether rows that were changed since are left as they are and the others undone, rather than none
 */
public record UndoRequest(String change, String operator, boolean skipChanged) {
    public UndoRequest {
        Objects.requireNonNull(change, "change");
        Objects.requireNonNull(operator, "operator");
    }
}
