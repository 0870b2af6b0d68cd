package io.backstop.jdbc.internal.pipeline.fence;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.StatementAssessment;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/** How a text that was judged SAFE stands to the read fence. */
enum FenceNeed {
    /** It runs no code: inside or outside, it is the same. */
    NONE,
    /** It evaluates what stands in it, and runs behind the fence. */
    READ,
    /** A read-only transaction refuses it, or it fires what writes: it runs outside the fence. */
    WRITE_TRANSACTION,
    /** It begins, ends or marks a transaction: it runs outside the fence. */
    TRANSACTION_CONTROL,
    /** Transaction control and something else in one text: it cannot be fenced in parts. */
    MIXED;

    private static final Set<CommandTag> CONTROL = Collections.unmodifiableSet(EnumSet.of(
            CommandTag.BEGIN,
            CommandTag.START_TRANSACTION,
            CommandTag.COMMIT,
            CommandTag.ROLLBACK,
            CommandTag.SAVEPOINT,
            CommandTag.RELEASE_SAVEPOINT,
            CommandTag.ROLLBACK_TO_SAVEPOINT,
            CommandTag.SET_TRANSACTION));

    private static final Set<CommandTag> WITHOUT_CODE = Collections.unmodifiableSet(EnumSet.of(
            CommandTag.EMPTY,
            CommandTag.SET,
            CommandTag.RESET,
            CommandTag.SHOW,
            CommandTag.LISTEN,
            CommandTag.UNLISTEN,
            CommandTag.NOTIFY,
            CommandTag.DEALLOCATE,
            CommandTag.DISCARD,
            CommandTag.CLOSE,
            CommandTag.LOCK,
            CommandTag.CHECKPOINT,
            CommandTag.WAIT,
            CommandTag.VACUUM));

    static FenceNeed of(Assessment assessment) {
        boolean controls = false;
        boolean writes = false;
        boolean reads = false;
        for (StatementAssessment statement : assessment.statements()) {
            FenceNeed need = of(statement);
            controls |= need == TRANSACTION_CONTROL;
            writes |= need == WRITE_TRANSACTION;
            reads |= need == READ;
        }
        if (controls) {
            return writes || reads ? MIXED : TRANSACTION_CONTROL;
        }
        if (writes) {
            return WRITE_TRANSACTION;
        }
        return reads ? READ : NONE;
    }

    static FenceNeed of(StatementAssessment statement) {
        if (CONTROL.contains(statement.tag())) {
            return TRANSACTION_CONTROL;
        }
        if (statement.needsWriteTransaction() || statement.tag() == CommandTag.SET_CONSTRAINTS) {
            return WRITE_TRANSACTION;
        }
        return WITHOUT_CODE.contains(statement.tag()) ? NONE : READ;
    }
}
