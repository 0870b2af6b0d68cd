package io.backstop.jdbc.policy;

import io.backstop.api.policy.Policy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The profiles: policies that need no file, by name. Stateless, thread-safe. */
public final class PolicyProfiles {
    private static final Map<String, Policy> PROFILES = Stream.of(
                    Policy.strict(), Policy.application(), Policy.readOnly(), Policy.monitor())
            .collect(Collectors.toMap(Policy::name, Function.identity(), (one, other) -> one, TreeMap::new));

    private PolicyProfiles() {}

    /**
     * The policy that a setting names: a profile, or else a file.
     *
     * @throws InvalidPolicyException where it is neither, or the file is not a policy
     */
    public static PolicySource named(String setting) throws InvalidPolicyException {
        Policy profile = PROFILES.get(setting);
        if (profile != null) {
            return PolicySource.fixed(profile);
        }
        if (!Files.exists(Path.of(setting))) {
            throw new InvalidPolicyException(
                    "policy " + setting + " is neither a file nor one of the profiles " + PROFILES.keySet());
        }
        return FilePolicySource.open(Path.of(setting));
    }
}
