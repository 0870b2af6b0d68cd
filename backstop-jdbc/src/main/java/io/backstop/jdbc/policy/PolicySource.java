package io.backstop.jdbc.policy;

import io.backstop.api.policy.Policy;

/** Supplies the policy in force. Implementations are thread-safe. */
public interface PolicySource {
    /** The policy in force, as fresh as its source: for statements that could do harm. */
    Policy current();

    /** The policy that was in force when somebody last looked: costs nothing. */
    Policy latest();

    /** A policy that never changes. */
    static PolicySource fixed(Policy policy) {
        return new PolicySource() {
            @Override
            public Policy current() {
                return policy;
            }

            @Override
            public Policy latest() {
                return policy;
            }
        };
    }
}
