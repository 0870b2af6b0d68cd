package io.backstop.jdbc.operator;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * A person who may decide, as the operators' file lists them. Immutable, thread-safe.
 *
 * @param name the name in decisions and the audit
 * @param publicKey the key that verifies their signatures, X.509 in Base64
 * @param addedAt when they were added
 * @param addedBy the operator who added them; they themselves if they were the first
 * @param revokedBy the operator who revoked them; empty for one who may decide
 */
public record Operator(String name, String publicKey, Instant addedAt, String addedBy, Optional<String> revokedBy) {
    public Operator {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(publicKey, "publicKey");
        Objects.requireNonNull(addedAt, "addedAt");
        Objects.requireNonNull(addedBy, "addedBy");
        Objects.requireNonNull(revokedBy, "revokedBy");
    }

    /** Whether they may decide. */
    public boolean active() {
        return revokedBy.isEmpty();
    }

    Operator revoked(String by) {
        return new Operator(name, publicKey, addedAt, addedBy, Optional.of(by));
    }
}
