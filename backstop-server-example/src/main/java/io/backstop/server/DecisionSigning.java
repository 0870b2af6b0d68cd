package io.backstop.server;

import io.backstop.jdbc.operator.OperatorKey;
import io.backstop.jdbc.operator.OperatorsFile;

import java.util.Objects;
import java.util.Optional;

/**
 * With what decisions over HTTP are signed. Immutable, thread-safe.
 *
 * @param operators the file that lists whose approvals count; empty where no signature is needed
 * @param key the operator's key that signs every decision; empty for decisions that nobody signs
 */
public record DecisionSigning(Optional<OperatorsFile> operators, Optional<OperatorKey> key) {
    /** Decisions that nobody signs. */
    public static final DecisionSigning NONE = new DecisionSigning(Optional.empty(), Optional.empty());

    public DecisionSigning {
        Objects.requireNonNull(operators, "operators");
        Objects.requireNonNull(key, "key");
    }
}
