package io.backstop.api.analysis;

/**
 * How much a statement can destroy, from nothing to everything. The order of the constants is the order of the risks.
 * Immutable, thread-safe.
 */
public enum RiskLevel {
    /** Changes nothing that outlives the session. */
    SAFE,
    /** Changes rows that the statement itself names. */
    WRITE,
    /** Changes the schema, the rights or the server, or runs what cannot be read here. */
    HIGH,
    /** Destroys rows without naming them, or cannot be understood. */
    CRITICAL;

    public boolean atLeast(RiskLevel other) {
        return compareTo(other) >= 0;
    }

    public RiskLevel worse(RiskLevel other) {
        return atLeast(other) ? this : other;
    }
}
