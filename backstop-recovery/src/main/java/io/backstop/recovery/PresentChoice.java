package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.model.RecoveryException;

import java.util.List;
import java.util.Optional;

/** Chooses what becomes of the tables that are there. Asked once for a plan. */
@FunctionalInterface
public interface PresentChoice {
    /** Without an answer, tables are completed where they can be, and the plan names the other choice. */
    PresentChoice NONE = madeAgain -> Optional.empty();

    /**
     * @param madeAgain the tables among them that were made again since they were stored, with columns for all stored values
     * @throws RecoveryException where somebody was asked and does not want either
     */
    Optional<PresentMode> choose(List<RelationName> madeAgain) throws RecoveryException;
}
