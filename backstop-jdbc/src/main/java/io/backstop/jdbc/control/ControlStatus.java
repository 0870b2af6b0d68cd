package io.backstop.jdbc.control;

import io.backstop.api.approval.ApprovalState;
import io.backstop.api.control.ControlStore;
import io.backstop.api.control.Pause;
import io.backstop.api.control.Quarantine;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.operator.Operator;
import io.backstop.jdbc.operator.OperatorException;
import io.backstop.jdbc.operator.OperatorsFile;
import io.backstop.jdbc.operator.WriteAccess;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What operators want to know at a glance; {@code backstop status --json} and {@code GET /admin/status} are this.
 * Immutable, thread-safe.
 *
 * @param paused whether writes are paused
 * @param pause the pause in force
 * @param pending how many statements wait for approval
 * @param quarantined the agents in quarantine
 * @param signatures who may approve
 */
public record ControlStatus(
        boolean paused, Optional<Pause> pause, int pending, List<Quarantine> quarantined, Signatures signatures) {
    public ControlStatus {
        Objects.requireNonNull(pause, "pause");
        quarantined = List.copyOf(quarantined);
        Objects.requireNonNull(signatures, "signatures");
    }

    public static ControlStatus of(ControlStore store, Signatures signatures) throws ControlStoreUnavailableException {
        Optional<Pause> pause = store.pause().current();
        return new ControlStatus(
                pause.isPresent(),
                pause,
                store.approvals().list(ApprovalState.PENDING).size(),
                store.quarantine().list(),
                signatures);
    }

    /**
     * Whose approvals count.
     *
     * @param required whether only a signed decision counts
     * @param operators who may sign
     * @param warnings why approvals are not out of the agent's reach, in sentences without a full stop
     */
    public record Signatures(boolean required, List<String> operators, List<String> warnings) {
        public Signatures {
            operators = List.copyOf(operators);
            warnings = List.copyOf(warnings);
        }

        /**
         * @param operators the operators' file, if one is configured
         * @param storeFile the control store's file, whose owner is the user that agents run as
         */
        public static Signatures of(Optional<OperatorsFile> operators, Optional<Path> storeFile) {
            if (operators.isEmpty()) {
                return new Signatures(
                        false,
                        List.of(),
                        List.of("no operators' file is named: if the guards name none either (backstop.operators), an"
                                + " approval counts without a signature, and every process that can write the control"
                                + " store can approve"));
            }
            try {
                List<String> names = operators.get().read().all().stream()
                        .filter(Operator::active)
                        .map(Operator::name)
                        .toList();
                return new Signatures(true, names, reach(operators.get(), storeFile));
            } catch (OperatorException e) {
                return new Signatures(true, List.of(), List.of(e.problem()));
            }
        }

        private static List<String> reach(OperatorsFile operators, Optional<Path> storeFile) {
            if (storeFile.isEmpty()) {
                return List.of();
            }
            try {
                return WriteAccess.of(Files.getOwner(storeFile.get()), operators.path()).stream()
                        .map(reason -> "approvals are not out of the agent's reach: " + reason)
                        .toList();
            } catch (IOException | UnsupportedOperationException e) {
                return List.of("it cannot be found out as which user agents run");
            }
        }
    }
}
