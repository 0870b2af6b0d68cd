package io.backstop.jdbc;

import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.snapshot.Verification;
import io.backstop.jdbc.control.ControlPlace;
import io.backstop.jdbc.internal.pipeline.session.CurrentAgent;
import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * The settings of a guard, checked as far as they can be without opening anything. Equal settings share one guard.
 *
 * @param policy a profile or a file
 * @param storage where snapshots are kept
 * @param verification how it is made sure that the storage holds what it was given
 * @param key the file of the key that snapshots are encrypted and authenticated under
 * @param control where the control store is
 * @param agentId who sends the statements for which nobody else is named
 * @param monitor whether to judge and record only
 * @param waitForApproval whether to block until an approval is given
 * @param approvalTimeout how long an approval can be decided and, once given, used
 * @param operators the file of the operators whose signed decisions count
 * @param place what stands for host and port in the database's name, and the environment before it
 */
record GuardSettings(
        String policy,
        Optional<String> storage,
        Verification verification,
        Optional<String> key,
        Optional<ControlPlace> control,
        String agentId,
        boolean monitor,
        boolean waitForApproval,
        Duration approvalTimeout,
        Optional<String> operators,
        Place place) {
    private static final Duration DEFAULT_APPROVAL_TIMEOUT = Duration.ofMinutes(15);
    private static final long LONGEST_APPROVAL_SECONDS = Duration.ofDays(30).toSeconds();

    static GuardSettings of(Map<Setting, String> settings) throws InvalidSettingException {
        return new GuardSettings(
                text(settings, Setting.POLICY).orElse("strict"),
                text(settings, Setting.STORAGE),
                choice(settings, Setting.VERIFICATION, "read", "checksum")
                        ? Verification.STORE_CHECKSUM
                        : Verification.FULL_READ,
                text(settings, Setting.KEY),
                control(settings),
                agent(settings),
                choice(settings, Setting.MODE, "enforce", "monitor"),
                choice(settings, Setting.APPROVAL, "retry", "wait"),
                timeout(settings),
                text(settings, Setting.OPERATORS),
                new Place(text(settings, Setting.ENVIRONMENT), text(settings, Setting.CLUSTER_ID)));
    }

    private static Optional<String> text(Map<Setting, String> settings, Setting setting)
            throws InvalidSettingException {
        @Nullable String value = settings.get(setting);
        if (value != null && value.isBlank()) {
            throw new InvalidSettingException(setting.key() + " is empty", "it takes " + setting.description());
        }
        return Optional.ofNullable(value);
    }

    private static String agent(Map<Setting, String> settings) throws InvalidSettingException {
        String id = text(settings, Setting.AGENT_ID).orElse(CurrentAgent.UNKNOWN);
        Optional<String> problem = CurrentAgent.problem(id);
        if (problem.isPresent()) {
            throw new InvalidSettingException(
                    Setting.AGENT_ID.key() + " " + problem.get(),
                    "it takes a short name: " + Setting.AGENT_ID.description());
        }
        return id;
    }

    private static Optional<ControlPlace> control(Map<Setting, String> settings) throws InvalidSettingException {
        Optional<String> control = text(settings, Setting.CONTROL);
        try {
            return control.isEmpty() ? Optional.empty() : Optional.of(ControlPlace.of(control.get()));
        } catch (ControlStoreUnavailableException e) {
            throw new InvalidSettingException(e.problem(), e.hint(), e);
        }
    }

    /** Whether the second of two values was chosen. */
    private static boolean choice(Map<Setting, String> settings, Setting setting, String first, String second)
            throws InvalidSettingException {
        String value = text(settings, setting).orElse(first);
        if (!value.equals(first) && !value.equals(second)) {
            throw new InvalidSettingException(
                    setting.key() + " cannot be \"" + value + "\"", "it takes " + setting.description());
        }
        return value.equals(second);
    }

    private static Duration timeout(Map<Setting, String> settings) throws InvalidSettingException {
        Optional<String> value = text(settings, Setting.APPROVAL_TIMEOUT);
        if (value.isEmpty()) {
            return DEFAULT_APPROVAL_TIMEOUT;
        }
        try {
            long seconds = Long.parseLong(value.get());
            if (seconds >= 1 && seconds <= LONGEST_APPROVAL_SECONDS) {
                return Duration.ofSeconds(seconds);
            }
        } catch (NumberFormatException e) {
            // falls through to the refusal, which says more than the parser does
        }
        throw new InvalidSettingException(
                Setting.APPROVAL_TIMEOUT.key() + " cannot be \"" + value.get() + "\"",
                "it takes a whole number of seconds from 1 to " + LONGEST_APPROVAL_SECONDS);
    }

    /** Where the database is, for approvals and the audit. */
    record Place(Optional<String> environment, Optional<String> clusterId) {
        /** {@code [environment/]host:port/database}, the cluster's id in place of host and port where it has one. */
        String name(String hostAndPort, String database) {
            return environment.map(name -> name + "/").orElse("") + clusterId.orElse(hostAndPort) + "/" + database;
        }
    }
}
