package io.backstop.api.control;

import io.backstop.api.error.ControlStoreUnavailableException;

import java.util.List;
import java.util.Optional;

/**
 * The alerts for operators. What statements and operators do raises them in the unit of work in which it is recorded; what is
 * found out otherwise is raised here. Implementations are thread-safe.
 */
public interface Alerts {
    /** Raises an alert, or counts it with the one of this kind and subject that nobody has acknowledged yet. */
    void raise(Alert.Kind kind, String subject, String message) throws ControlStoreUnavailableException;

    /**
     * The alerts that were raised last, newest first.
     *
     * @param limit how many at most, from 1
     * @param open whether only those that nobody has acknowledged
     */
    List<Alert> newest(int limit, boolean open) throws ControlStoreUnavailableException;

    /**
     * Takes note that somebody takes care of an alert; where somebody did before, that stays.
     *
     * @return the alert as it is then; empty where there is none of this id
     */
    Optional<Alert> acknowledge(String id, String operator) throws ControlStoreUnavailableException;
}
