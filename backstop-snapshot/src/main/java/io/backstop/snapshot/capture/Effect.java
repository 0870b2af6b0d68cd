package io.backstop.snapshot.capture;

/** What happens to a relation in the course of a statement, and the lock that the server takes for it. */
enum Effect {
    /** Nothing; it is saved because it belongs to the others. Nobody may write it meanwhile. */
    KEPT("SHARE"),
    UPDATED("SHARE ROW EXCLUSIVE"),
    DELETED("SHARE ROW EXCLUSIVE"),
    TRUNCATED("ACCESS EXCLUSIVE"),
    TRUNCATED_CASCADE("ACCESS EXCLUSIVE"),
    ALTERED("ACCESS EXCLUSIVE"),
    DROPPED("ACCESS EXCLUSIVE"),
    DROPPED_CASCADE("ACCESS EXCLUSIVE");

    private final String lock;

    Effect(String lock) {
        this.lock = lock;
    }

    /** The lock's name in SQL. The constants are in the order of the locks' strength. */
    String lock() {
        return lock;
    }

    /** Whether rows that are not in this database would go as well, were the relation a foreign table. */
    boolean reachesForeignRows() {
        return this == UPDATED || this == DELETED || this == TRUNCATED || this == TRUNCATED_CASCADE;
    }
}
