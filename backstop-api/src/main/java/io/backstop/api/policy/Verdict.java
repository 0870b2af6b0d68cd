package io.backstop.api.policy;

import io.backstop.api.analysis.RuleId;

import java.util.List;
import java.util.Objects;

/** The decision of a policy about one assessed statement. Immutable, thread-safe. */
public sealed interface Verdict permits Verdict.Allow, Verdict.Hold, Verdict.Block {

    /**
     * The statement may run.
     *
     * @param snapshot whether a verified snapshot has to be stored first
     */
    record Allow(boolean snapshot) implements Verdict {}

    /**
     * A human has to say yes first.
     *
     * @param reasons why, in lower-case sentences
     * @param snapshot whether a verified snapshot has to be stored before it runs
     */
    record Hold(List<String> reasons, boolean snapshot) implements Verdict {
        public Hold {
            reasons = List.copyOf(reasons);
        }
    }

    /** The statement must not run; no approval changes that. */
    record Block(RuleId rule, String reason) implements Verdict {
        public Block {
            Objects.requireNonNull(rule, "rule");
            Objects.requireNonNull(reason, "reason");
        }
    }
}
