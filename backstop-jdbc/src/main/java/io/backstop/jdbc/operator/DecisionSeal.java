package io.backstop.jdbc.operator;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.approval.Decision;
import io.backstop.api.approval.ExpectedImpact;

import java.util.Objects;
import java.util.Optional;

/**
 * The signature of a decision: what it covers, how it is made, and how it is verified. It covers everything that the
 * operator saw, and the store, so that it counts for one request in one store. Stateless, thread-safe.
 *
 * @param storeId the id of the control store
 */
public record DecisionSeal(String storeId) {
    private static final String PURPOSE = "backstop decision 2";

    public DecisionSeal {
        Objects.requireNonNull(storeId, "storeId");
    }

    /** The decision with the operator's signature. */
    public Decision sign(Approval approval, Decision decision, OperatorKey key) {
        return decision.signedWith(new Decision.Signature(
                key.operator(), key.sign(text(approval, approval.request(), decision, key.operator()))));
    }

    /**
     * Why the decision on a request does not count for a statement; empty where an operator signed exactly this.
     *
     * @param approval as the store has it, which an agent may have written
     * @param asked the request as the guard makes it of the statement that is to run
     */
    public Optional<String> flaw(Approval approval, ApprovalRequest asked, OperatorList operators) {
        Optional<Decision> decision = approval.decision();
        if (decision.isEmpty() || decision.get().signature().isEmpty()) {
            return Optional.of("no operator signed it");
        }
        Decision.Signature signature = decision.get().signature().get();
        if (operators.active(signature.operator()).isEmpty()) {
            return Optional.of(signature.operator() + " is no operator");
        }
        if (signature.operator().equals(asked.agentId())) {
            return Optional.of("an agent cannot approve its own request");
        }
        return operators.verifies(
                        signature.operator(),
                        text(approval, asked, decision.get(), signature.operator()),
                        signature.value())
                ? Optional.empty()
                : Optional.of("the signature of " + signature.operator() + " is for something else");
    }

    /**
     * Text, risk and binding are the asked request's: so an operator who was shown other text than what is to run signed
     * something else. Reasons and impact hold figures, which change from one look to the next; they are the store's.
     */
    private SignedText text(Approval approval, ApprovalRequest asked, Decision decision, String operator) {
        SignedText text = new SignedText(PURPOSE)
                .add(storeId)
                .add(approval.id())
                .add(decision.approve() ? "approve" : "deny")
                .add(operator)
                .add(decision.by())
                .add(decision.at().toEpochMilli())
                .add(decision.expiresAt().toEpochMilli())
                .add(decision.comment())
                .add(asked.sql())
                .add(asked.statementSha256())
                .add(asked.agentId())
                .add(asked.database())
                .add(asked.session().role())
                .add(asked.session().searchPath())
                .add(asked.session().settings())
                .add(asked.session().relations())
                .add(asked.operation())
                .add(asked.tables())
                .add(asked.risk().name())
                .add(String.valueOf(asked.snapshot()))
                .add(approval.request().reasons())
                .add(asked.values().size());
        asked.values().forEach(text::add);
        return impact(text, approval.request().impact());
    }

    private static SignedText impact(SignedText text, ExpectedImpact impact) {
        text.add(impact.rows().map(String::valueOf).orElse("")).add(impact.note());
        text.add(impact.tables().size());
        for (ExpectedImpact.Table table : impact.tables()) {
            text.add(table.name()).add(table.estimatedRows()).add(table.through());
        }
        text.add(impact.changes().size());
        for (ExpectedImpact.TableChange change : impact.changes()) {
            text.add(change.name()).add(change.inserted()).add(change.updated()).add(change.deleted());
        }
        text.add(impact.sample().size());
        for (ExpectedImpact.SampleRow row : impact.sample()) {
            text.add(row.before()).add(row.after());
        }
        return text;
    }
}
