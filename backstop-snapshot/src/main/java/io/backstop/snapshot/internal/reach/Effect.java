package io.backstop.snapshot.internal.reach;

import java.util.Locale;
import java.util.Set;

/** What happens to a relation in the course of a statement, and the lock that the server takes for it. */
public enum Effect {
    /** Nothing; but a view that is made of it is removed or replaced, and known by its description. */
    DESCRIBED("ACCESS SHARE"),
    /** Some of its rows go, which are locked one by one; others may write the rest. */
    TAKEN_BY_ROW("ROW EXCLUSIVE"),
    /** Its definitions change and no row of it; nobody else may change them meanwhile. */
    REDEFINED("SHARE UPDATE EXCLUSIVE"),
    /** Nothing; it is saved because it belongs to the others. Nobody may write it meanwhile. */
    KEPT("SHARE"),
    UPDATED("SHARE ROW EXCLUSIVE"),
    DELETED("SHARE ROW EXCLUSIVE"),
    TRUNCATED("ACCESS EXCLUSIVE"),
    TRUNCATED_CASCADE("ACCESS EXCLUSIVE"),
    ALTERED("ACCESS EXCLUSIVE"),
    DROPPED("ACCESS EXCLUSIVE"),
    DROPPED_CASCADE("ACCESS EXCLUSIVE");

    /** What readers hold, also those that lock rows; only ACCESS EXCLUSIVE has to wait for them. */
    private static final Set<String> READING = Set.of("accesssharelock", "rowsharelock");

    /** What keeps others from writing rows. */
    private static final Set<String> WHOLE_TABLE =
            Set.of("sharelock", "sharerowexclusivelock", "exclusivelock", "accessexclusivelock");

    private final String lock;

    Effect(String lock) {
        this.lock = lock;
    }

    /** The lock's name in SQL. The constants are in the order of the locks' strength. */
    public String lock() {
        return lock;
    }

    /** The lock's name as pg_locks spells it, in lower case. */
    public String lockMode() {
        return lock.replace(" ", "").toLowerCase(Locale.ROOT) + "lock";
    }

    /** Whether the lock has to wait for one that another session holds, named as pg_locks does, in lower case. */
    public boolean conflictsWith(String mode) {
        if (this == TAKEN_BY_ROW) {
            return WHOLE_TABLE.contains(mode);
        }
        if (this == DESCRIBED) {
            return mode.equals("accessexclusivelock");
        }
        if (this == REDEFINED) {
            return WHOLE_TABLE.contains(mode) || mode.equals(lockMode());
        }
        if (byRow()) {
            boolean shared = this == KEPT && mode.equals(lockMode());
            return !READING.contains(mode) && !shared;
        }
        return true;
    }

    /**
     * Whether only rows go that the statement sees, one by one: it fails where somebody else has changed one of them since
     * its transaction's snapshot. The others take whatever the table holds.
     */
    public boolean byRow() {
        return this == TAKEN_BY_ROW || this == KEPT || this == UPDATED || this == DELETED;
    }

    /** Whether definitions go, and no rows of it. */
    public boolean takesDefinitionsAlone() {
        return this == DESCRIBED || this == REDEFINED;
    }

    /** Whether rows that are not in this database would go as well, were the relation a foreign table. */
    boolean reachesForeignRows() {
        return this == UPDATED || this == DELETED || this == TRUNCATED || this == TRUNCATED_CASCADE;
    }
}
