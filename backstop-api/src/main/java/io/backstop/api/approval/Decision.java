package io.backstop.api.approval;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * A human's answer to a request. Immutable, thread-safe.
 *
 * @param approve whether it is a yes
 * @param by who decided, as the audit names them
 * @param at when, to the millisecond
 * @param expiresAt until when the answer holds
 * @param comment why; empty for no comment
 * @param signature the proof that an operator decided; empty for a decision that nobody signed
 */
public record Decision(
        boolean approve, String by, Instant at, Instant expiresAt, String comment, Optional<Signature> signature) {
    public Decision {
        Objects.requireNonNull(by, "by");
        Objects.requireNonNull(at, "at");
        Objects.requireNonNull(expiresAt, "expiresAt");
        Objects.requireNonNull(comment, "comment");
        Objects.requireNonNull(signature, "signature");
    }

    /** The same decision with its proof. */
    public Decision signedWith(Signature proof) {
        return new Decision(approve, by, at, expiresAt, comment, Optional.of(proof));
    }

    /**
     * An operator's signature.
     *
     * @param operator whose key made it
     * @param value Ed25519 (RFC 8032) in Base64
     */
    public record Signature(String operator, String value) {
        public Signature {
            Objects.requireNonNull(operator, "operator");
            Objects.requireNonNull(value, "value");
        }
    }
}
