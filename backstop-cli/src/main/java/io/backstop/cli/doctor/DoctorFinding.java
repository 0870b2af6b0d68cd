package io.backstop.cli.doctor;

import java.util.Locale;
import java.util.Optional;

/**
 * The result of one check, for programs and people.
 *
 * @param check what was looked at
 * @param remedy what would mend it; empty where nothing is to be done
 */
record DoctorFinding(String check, State state, String detail, Optional<String> remedy) {
    /** The states, from the best to the worst. */
    enum State {
        READY,
        DEGRADED,
        NOT_READY;

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static DoctorFinding ready(String check, String detail) {
        return new DoctorFinding(check, State.READY, detail, Optional.empty());
    }

    static DoctorFinding degraded(String check, String detail, String remedy) {
        return new DoctorFinding(check, State.DEGRADED, detail, Optional.of(remedy));
    }

    static DoctorFinding notReady(String check, String detail, String remedy) {
        return new DoctorFinding(check, State.NOT_READY, detail, Optional.of(remedy));
    }
}
