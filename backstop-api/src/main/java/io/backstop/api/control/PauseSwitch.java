package io.backstop.api.control;

import io.backstop.api.error.ControlStoreUnavailableException;

import java.util.Optional;

/** The emergency pause: while it is on, only SAFE statements run. Implementations are thread-safe. */
public interface PauseSwitch {
    /** The pause in force, if there is one. Always read from the store. */
    Optional<Pause> current() throws ControlStoreUnavailableException;

    void pause(String reason, String operator) throws ControlStoreUnavailableException;

    void resume(String operator) throws ControlStoreUnavailableException;
}
