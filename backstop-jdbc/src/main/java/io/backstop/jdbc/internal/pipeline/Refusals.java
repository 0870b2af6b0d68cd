package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.control.ControlStore;
import io.backstop.api.error.AgentQuarantinedException;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.PausedException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.policy.Policy;
import io.backstop.api.policy.Verdict;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;
import io.backstop.jdbc.policy.Judge;
import io.backstop.jdbc.policy.SessionState;

import java.sql.SQLException;
import java.util.Optional;

/** What keeps statements back whatever they are, and what is said and counted when one is refused. Thread-safe. */
final class Refusals {
    private final ControlStore store;

    Refusals(ControlStore store) {
        this.store = store;
    }

    SessionState state(GuardedSession session) throws SQLException {
        return new SessionState(store.pause().current(), store.quarantine().current(QuarantineSubject.of(session)));
    }

    BackstopException blocked(GuardedSession session, Policy policy, ReviewedStatement statement, Verdict.Block block)
            throws SQLException {
        String problem = statement.assessment().operation() + " is refused: " + block.reason();
        if (block.rule().equals(Judge.PAUSED)) {
            return paused(statement, block.reason());
        }
        if (block.rule().equals(Judge.QUARANTINED)) {
            return new AgentQuarantinedException(problem, "wait until then; an operator can lift the quarantine");
        }
        count(session, policy, statement);
        if (block.rule().equals(Judge.TEXT_TOO_LONG)) {
            return new StatementBlockedException(
                    problem + " [" + block.rule() + "]", "send the same work in several shorter statements");
        }
        return new StatementBlockedException(
                problem + " [" + block.rule() + "]",
                "no approval lets it run; policy " + policy.name() + " would have to be changed");
    }

    void count(GuardedSession session, Policy policy, ReviewedStatement statement) throws SQLException {
        store.quarantine().refused(QuarantineSubject.of(session), statement.maskedSql(), policy.quarantine());
    }

    static PausedException paused(ReviewedStatement statement, String reason) {
        return new PausedException(
                statement.assessment().operation() + " is refused: " + reason,
                "reads go on; an operator ends the pause");
    }

    /** A pause overrides an approval, also one that was waited for. */
    Optional<PausedException> paused(ReviewedStatement statement) throws BackstopException {
        return store.pause().current().map(pause -> paused(statement, "writes are paused: " + pause.reason()));
    }
}
