package io.backstop.jdbc.internal.pipeline.fence;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.analysis.detail.TransactionModes;
import io.backstop.jdbc.internal.analysis.detail.TransactionModes.Access;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;

import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/** What can be done for a SAFE text in which transaction control stands beside something else. */
enum MixedText {
    /** It evaluates nothing. */
    HARMLESS,
    /** All that it evaluates runs in the transaction that it leaves open, and is looked at before that commits. */
    LEFT_OPEN,
    /** It runs outside the caller's transactions, or in those that it begins and ends, by the session's default. */
    READ,
    /** Something of it is kept before anybody can look. */
    UNSEEN;

    static MixedText of(GuardedSession session, AssessedText text) throws SQLException {
        List<StatementAssessment> statements = text.assessment().statements();
        if (statements.stream().noneMatch(MixedText::evaluates)) {
            return HARMLESS;
        }
        if (session.outsideTransaction()) {
            return of(session, text, statements);
        }
        Optional<StatementAssessment> end =
                statements.stream().filter(MixedText::ends).findFirst();
        if (end.isEmpty()) {
            return session.inFailedTransaction() && !session.ledger().isKnown() ? UNSEEN : LEFT_OPEN;
        }
        int at = statements.indexOf(end.get());
        boolean kept = end.get().tag() == CommandTag.COMMIT
                && statements.subList(0, at).stream().anyMatch(MixedText::evaluates);
        return kept || TransactionModes.chains(text.sql(), text.standardConformingStrings())
                ? UNSEEN
                : of(session, text, statements.subList(at + 1, statements.size()));
    }

    /** Of what is sent, or goes on, outside a transaction. */
    private static MixedText of(GuardedSession session, AssessedText text, List<StatementAssessment> statements) {
        boolean within = false;
        boolean evaluated = false;
        boolean kept = false;
        boolean reads = session.fence().byDefault();
        for (StatementAssessment statement : statements) {
            kept |= evaluated && statement.tag() == CommandTag.COMMIT;
            evaluated = !ends(statement) && (evaluated || evaluates(statement));
            within = within ? !ends(statement) : begins(statement);
            reads &= FenceNeed.of(statement) != FenceNeed.WRITE_TRANSACTION;
        }
        if (within) {
            return kept ? UNSEEN : LEFT_OPEN;
        }
        Access access = TransactionModes.of(text.sql(), text.standardConformingStrings())
                .access();
        return reads && access != Access.READ_WRITE ? READ : UNSEEN;
    }

    private static boolean evaluates(StatementAssessment statement) {
        FenceNeed need = FenceNeed.of(statement);
        return need == FenceNeed.READ || (need == FenceNeed.WRITE_TRANSACTION && statement.tag() != CommandTag.SHOW);
    }

    private static boolean begins(StatementAssessment statement) {
        return statement.tag() == CommandTag.BEGIN || statement.tag() == CommandTag.START_TRANSACTION;
    }

    private static boolean ends(StatementAssessment statement) {
        return statement.tag() == CommandTag.COMMIT || statement.tag() == CommandTag.ROLLBACK;
    }
}
